"""Runs that stop early, crash or meet one another, and what the next ones make of it."""

import pytest

from domain.discovery.discover import Run
from domain.errors import (
    KeyForbidden,
    KeyMissing,
    KeyRefused,
    NotTaken,
    OutOfTime,
    Throttled,
    Unavailable,
    Unusable,
)
from tests.fakes.stage import Crash
from tests.unit.domain.discovery.world import HOUR, MINUTE, ORDERS, World


def test_a_run_near_its_deadline_starts_no_page() -> None:
    world = World().old(300).started()
    run = world.run(time_ms=10_000)
    assert isinstance(run.stopped, OutOfTime)
    assert world.list.requests == []


@pytest.mark.parametrize("kind", [Throttled, KeyRefused, KeyMissing])
def test_an_error_that_every_request_would_meet_holds_them_all(kind: type[Throttled]) -> None:
    world = World().started()
    world.list.raises = {1: kind("No.", world.clock() + 40 * MINUTE if kind is Throttled else None)}
    run = world.run()
    assert isinstance(run.stopped, kind)
    expected_ms = 35 * MINUTE if kind is Throttled else MINUTE
    assert world.budget.held_until_ms == world.clock() + expected_ms


@pytest.mark.parametrize("kind", [KeyForbidden, Unavailable, Unusable])
def test_an_error_of_discovery_alone_holds_no_request(kind: type[Unavailable]) -> None:
    world = World().started()
    world.list.raises = {1: kind("No.")}
    assert isinstance(world.run().stopped, kind)
    assert world.budget.held_until_ms == 0


def test_the_vendor_is_not_asked_again_before_the_time_it_named() -> None:
    world = World().started()
    world.list.raises = {1: Unavailable("The API answered 503.", world.clock() + 14 * MINUTE)}
    world.run()
    world.list.raises = {}
    assert isinstance(world.run().stopped, Unavailable)
    assert world.list.requests == []
    world.run()
    assert world.list.requests == [1]


@ORDERS
def test_after_days_without_an_answer_nothing_has_fallen_out_of_the_lookback(newest_first: bool) -> None:
    world = World(newest_first=newest_first).old(1_000).started()
    runs = []
    for day in range(4):
        world.new(10 + day)
        world.list.raises = {1: Unavailable("The API answered 500.")}
        runs.append(world.run())
        world.clock.advance(23 * HOUR)
    assert [run.behind for run in runs] == [False, True, True, True]
    world.list.raises = {}
    recovered = world.run()
    assert sorted(map(int, recovered.announced)) == [10, 11, 12, 13]
    assert not recovered.behind


def test_events_that_the_queue_refuses_are_sent_by_the_next_run() -> None:
    world = World().started()
    world.new(*range(1, 31))
    world.sender.refuses = {15}
    run = world.run()
    assert isinstance(run.stopped, NotTaken)
    assert 15 not in world.memory.marks
    world.sender.refuses = set()
    world.run()
    assert sorted(map(int, world.sender.sent)) == [*range(1, 31)]


# ── Two at once, and crashes ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("first_start", [True, False])
def test_a_run_within_another_at_any_point_does_no_harm(first_start: bool) -> None:
    for point in range(_points_of_a_run(first_start)):
        world = _two_pages(first_start)
        seconds: list[Run] = []
        world.stage.passed.clear()
        world.stage.at(point, lambda: seconds.append(world.discover(world.clock() + 30_000)))  # noqa: B023
        world.run()
        assert seconds
        assert world.sent == {*range(1, 151)}
        assert world.run().announced == []
        assert world.left == ()


@pytest.mark.parametrize("first_start", [True, False])
def test_after_a_crash_at_any_point_the_next_run_announces_the_rest(first_start: bool) -> None:
    for point in range(_points_of_a_run(first_start)):
        world = _two_pages(first_start)
        world.stage.passed.clear()
        world.stage.crash_at(point)
        with pytest.raises(Crash):
            world.run()
        world.run()
        assert world.sent == {*range(1, 151)}
        assert len(world.sender.sent) <= 160  # only the ten that were sent and not marked are sent twice
        assert world.run().announced == []


def _two_pages(first_start: bool) -> World:
    world = World()
    if not first_start:
        world.started()
    world.new(*range(1, 151))
    return world


def _points_of_a_run(first_start: bool) -> int:
    world = _two_pages(first_start)
    world.stage.passed.clear()
    world.run()
    assert len(world.sender.sent) == 150
    return len(world.stage.passed)
