"""Which recordings of the list are announced, when, and which count as missed."""

from dataclasses import replace
from functools import partial

import pytest

from domain.discovery.mark import Mark
from domain.errors import Unusable
from domain.triggers.source import Source
from tests.fakes.clock import NOON_MS
from tests.unit.domain.discovery.world import DAY, HOUR, MINUTE, ORDERS, World


@ORDERS
def test_a_new_recording_is_announced_and_marked_once(newest_first: bool) -> None:
    world = World(newest_first=newest_first).old(250).started()
    world.new(1, 2)
    assert sorted(map(int, world.run().announced)) == [1, 2]
    assert world.memory.marks[1].mark is Mark.SENT
    assert world.run().announced == []


@ORDERS
def test_a_list_that_grows_while_its_ends_are_compared_hides_none(newest_first: bool) -> None:
    for point in range(2, 12):
        world = World(newest_first=newest_first).old(150)
        world.clock.advance(5 * MINUTE)
        world.new(1)
        world.stage.at(point, partial(add_older, world))
        world.run(after_ms=0)
        assert world.sent == {1}


def add_older(world: World) -> None:
    for number in range(2, 252):
        world.list.add(number, NOON_MS - 9 * DAY)


@ORDERS
def test_a_list_that_becomes_empty_while_its_ends_are_compared_is_done_with(newest_first: bool) -> None:
    for point in range(2, 12):
        world = World(newest_first=newest_first).old(150)
        world.stage.at(point, partial(remove_all, world))
        run = world.run()
        assert run.stopped is None
        assert 0 not in world.list.requests  # the vendor's pages count from 1
        world.new(1)
        world.run()
        assert world.sent == {1}


def remove_all(world: World) -> None:
    for number in range(150):
        world.list.remove(1_000_000 - number)


def test_a_recording_with_any_outcome_is_not_announced() -> None:
    world = World().started()
    world.new(1, 2)
    world.judged(1)
    assert world.run().announced == [2]


def test_a_recording_completed_later_than_the_vendor_says_is_announced_before_it_leaves_the_lookback() -> None:
    world = World().started()
    world.new(1, age_ms=2 * HOUR)
    while not (run := world.run()).announced:
        assert world.clock() < NOON_MS + DAY // 2
    assert run.announced == [1]


def test_events_are_sent_ten_at_a_time_each_ten_marked_before_the_next() -> None:
    world = World().started()
    world.new(*range(1, 24))
    world.stage.passed.clear()
    world.run()
    assert world.sender.batches == [10, 10, 3]
    steps = [step for step in world.stage.passed if step in {"before send", "before mark sent"}]
    assert steps == ["before send", "before mark sent"] * 3


def test_a_recording_that_is_listed_but_not_completed_waits() -> None:
    world = World().started()
    world.new(1)
    world.list.pending = {1}
    assert world.run().announced == []
    world.list.pending = set()
    assert world.run().announced == [1]


@ORDERS
def test_a_recording_without_a_time_is_announced_once(newest_first: bool) -> None:
    world = World(newest_first=newest_first).started()
    world.new(*range(1, 131))
    world.list.undated = {1, 50, 130}
    world.run()
    world.run()
    assert sorted(map(int, world.sender.sent)) == [*range(1, 131)]


@ORDERS
def test_an_end_of_the_list_without_a_time_does_not_turn_the_list_round(newest_first: bool) -> None:
    world = World(newest_first=newest_first).old(100).started()
    world.new(*range(1, 101), age_ms=2 * MINUTE)
    world.new(101)
    world.list.undated = {101}  # Where the oldest come first, it stands alone on the last page.
    world.memory.stored = replace(world.memory.stored, order=None) if world.memory.stored else None
    world.run()
    assert world.sent == {*range(1, 102)}


def test_a_list_that_shrinks_to_one_page_while_its_ends_are_compared_shows_no_order() -> None:
    def leave(*recordings: int) -> None:
        for recording in recordings:
            world.list.remove(recording)

    world = World(newest_first=False)
    world.new(*range(1, 102), age_ms=2 * MINUTE)
    world.stage.at(5, lambda: leave(*range(3, 102)))  # after the first page
    world.stage.at(7, lambda: leave(2))  # after the other one
    assert world.run().stopped is None
    assert world.memory.stored
    assert world.memory.stored.order is None
    world.new(*range(200, 301))
    world.list.undated = {*range(200, 299)}  # The page of the oldest does not show how it is sorted.
    world.run()
    assert world.sent == {1, *range(200, 301)}


def test_a_list_whose_order_does_not_show_is_looked_at_later() -> None:
    world = World(newest_first=False).started()
    world.new(*range(1, 102))
    world.list.undated = {101}
    run = world.run()
    assert (run.announced, type(run.stopped)) == ([], Unusable)
    world.list.undated = set()
    world.run()
    assert world.sent == {*range(1, 102)}


def test_items_without_an_id_are_counted_and_the_others_announced() -> None:
    world = World().old(150).started()
    world.new(1)
    world.list.malformed = {1: 2}
    run = world.run()
    assert (run.announced, run.malformed) == ([1], 2)


# ── Beside another trigger ──────────────────────────────────────────────────────────────────────────────────


def test_beside_another_trigger_a_recording_has_until_the_next_run() -> None:
    world = World().started()
    world.other_trigger()
    world.new(1, 2)
    first = world.run()
    assert (first.announced, first.missed) == ([], [])
    assert world.memory.marks[1].mark is Mark.SEEN
    world.judged(2, source=Source.WEBHOOK)
    second = world.run()
    assert (second.announced, second.missed) == ([1], [1])
    assert world.run().announced == []


@pytest.mark.parametrize("source", [None, Source.DISCOVERY, Source.REPLAY])
def test_without_another_trigger_nothing_waits_and_nothing_is_missed(source: Source | None) -> None:
    world = World().started()
    if source:
        world.new(7)
        world.judged(7, source=source)
        world.run()
    world.new(1)
    run = world.run()
    assert (run.announced, run.missed) == ([1], [])


@pytest.mark.parametrize(("days", "relied_on"), [(6, True), (7, False)])
def test_a_trigger_is_relied_on_for_a_week_after_its_last_delivery(days: int, relied_on: bool) -> None:
    world = World().started()
    world.other_trigger()
    world.run(after_ms=days * DAY)
    world.new(1)
    assert world.run().announced == ([] if relied_on else [1])
    assert world.run().missed == ([1] if relied_on else [])


def test_two_runs_within_moments_do_not_shorten_the_time() -> None:
    world = World().started()
    world.other_trigger()
    world.new(1)
    world.run()
    assert world.run(after_ms=1_000).announced == []
    assert world.run().missed == [1]


@pytest.mark.parametrize("age_ms", [22 * MINUTE - 1_000, 22 * MINUTE + 1_000, 5 * HOUR, 17 * HOUR])
@pytest.mark.parametrize("every_ms", [MINUTE, 5 * MINUTE, 18 * HOUR, 23 * HOUR])
def test_no_recording_falls_out_of_sight_while_it_has_time(age_ms: int, every_ms: int) -> None:
    """The runs are far apart, and a webhook goes on delivering other recordings."""
    world = World().started()
    world.run(after_ms=every_ms)
    world.other_trigger()
    world.clock.advance(every_ms)
    world.new(1, age_ms=min(age_ms, every_ms + 20 * MINUTE))
    missed = world.run(after_ms=0).missed + world.run(after_ms=every_ms).missed + world.run(after_ms=every_ms).missed
    assert missed == [1]
