"""The first start, and recordings of before it."""

import pytest

from domain.errors import KeyMissing, Unavailable
from tests.fakes.clock import NOON_MS
from tests.unit.domain.discovery.world import DAY, HOUR, MINUTE, ORDERS, World


def with_history(hours: int, *, newest_first: bool = True) -> World:
    """A first start; recording n is n hours old."""
    world = World(newest_first=newest_first)
    for number in range(1, hours + 1):
        world.list.add(number, NOON_MS - number * HOUR)
    assert world.run().announced == []
    return world


@ORDERS
def test_the_first_start_announces_nothing_of_the_past(newest_first: bool) -> None:
    world = with_history(5_000, newest_first=newest_first)
    assert world.run().announced == []


def test_a_recording_created_before_the_first_start_and_completed_after_it_is_announced() -> None:
    world = with_history(0)
    world.new(1, age_ms=19 * MINUTE)
    assert world.run().announced == [1]


def test_the_first_start_is_remembered_even_if_the_vendor_cannot_be_asked_for_days() -> None:
    world = World()
    for number in range(3):
        world.clock.advance(DAY)
        world.list.raises = {1: KeyMissing("No api-key is stored.")}
        world.new(number + 1)
        assert world.run().announced == []
    world.list.raises = {}
    assert len(world.run(after_ms=HOUR).announced) == 3


@ORDERS
def test_history_reaches_back_to_before_the_first_start_as_far_as_asked(newest_first: bool) -> None:
    world = with_history(400, newest_first=newest_first)
    run = world.run(history_ms=200 * HOUR + 10 * MINUTE)
    assert sorted(map(int, run.announced)) == [*range(1, 201)]
    assert world.run().announced == []


def test_history_does_not_count_as_missed() -> None:
    world = with_history(3)
    world.other_trigger()
    run = world.run(history_ms=DAY)
    assert (sorted(map(int, run.announced)), run.missed) == ([1, 2, 3], [])


@ORDERS
def test_what_a_run_could_not_finish_is_left_and_nothing_else_is_read_again(newest_first: bool) -> None:
    world = with_history(2_000, newest_first=newest_first)
    world.run(history_ms=1_000 * DAY, left=8)
    world.new(*range(5_001, 5_351))
    world.run(left=3)
    world.run()
    assert {*range(5_001, 5_351)} <= world.sent
    assert len(world.list.requests) <= 22


@ORDERS
def test_three_requests_a_run_are_enough_to_get_on(newest_first: bool) -> None:
    world = with_history(901, newest_first=newest_first)
    world.run(history_ms=1_000 * DAY, left=3)
    runs = 1
    while world.run(left=3).stopped:
        runs += 1
        assert runs < 12
    assert {*range(1, 902)} <= world.sent


def test_a_run_goes_on_at_the_page_where_the_one_before_stopped() -> None:
    world = with_history(2_000)
    world.run(history_ms=1_000 * DAY, left=8)
    for number in range(5_001, 6_001):
        world.new(number, age_ms=number)
    assert world.run().stopped is None
    assert world.list.requests == [*range(1, 12), *range(18, 31)]  # ten pages further down by now


@ORDERS
def test_history_is_finished_though_the_vendor_reverses_the_order_meanwhile(newest_first: bool) -> None:
    world = with_history(1_000, newest_first=newest_first)
    world.run(history_ms=30 * DAY, left=4)
    world.list.newest_first = not newest_first
    assert world.run().stopped is None
    assert world.sent == {*range(1, 30 * 24)}


@ORDERS
def test_recordings_removed_between_two_runs_hide_none(newest_first: bool) -> None:
    world = with_history(1_000, newest_first=newest_first)
    world.run(history_ms=1_000 * DAY, left=4)
    removed = {*range(1, 200), 950}
    for number in removed:
        world.list.remove(number)
    while world.run(left=4).stopped:
        pass
    assert {*range(1, 1_001)} - removed <= world.sent


@ORDERS
@pytest.mark.parametrize("removed", [1, 999])
def test_a_recording_removed_during_a_run_hides_none(newest_first: bool, removed: int) -> None:
    for point in range(2, 60, 4):
        world = with_history(1_000, newest_first=newest_first)
        world.stage.passed.clear()
        world.stage.at(point, lambda: world.list.remove(removed))  # noqa: B023
        world.run(history_ms=1_000 * DAY)
        assert {*range(1, 1_001)} - {removed} <= world.sent


def test_history_asked_for_while_another_is_open_forgets_nothing_of_it() -> None:
    world = with_history(600)
    world.run(history_ms=500 * HOUR, left=2)
    world.run(history_ms=HOUR, left=0)
    world.run()
    assert {*range(1, 500)} <= world.sent


def test_a_wish_for_history_survives_a_run_that_began_before_it() -> None:
    world = World()
    world.list.add(1, NOON_MS - 5 * DAY)
    world.run()

    def ask() -> None:
        world.list.raises = {2: Unavailable("The API answered 500.")}
        world.discover(world.clock() + 30_000, 10 * DAY)

    world.stage.passed.clear()
    world.stage.at(4, ask)
    assert world.run().superseded
    world.list.raises = {}
    assert world.run().announced == [1]
