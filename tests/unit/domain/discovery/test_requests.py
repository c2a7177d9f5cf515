"""What a run costs, and which end of the list it reads. docs/decisions.md has the figures."""

from collections.abc import Collection
from dataclasses import replace

import pytest

from domain.discovery.decision import Judged, Trace
from domain.discovery.recording_list import ListedRecording, RecordingPage
from domain.recording import RecordingId
from domain.triggers.source import Source
from tests.fakes.clock import NOON_MS, FakeClock
from tests.unit.domain.discovery.world import DAY, MINUTE, ORDERS, World


class SteadyList:
    """So many recordings a day for years, evenly spread. A page takes half a second."""

    def __init__(self, clock: FakeClock, a_day: int, *, newest_first: bool) -> None:
        self.requests = 0
        self._clock = clock
        self._apart_ms = DAY // a_day
        self._start_ms = NOON_MS - 400 * DAY
        self._newest_first = newest_first

    def prepare(self) -> None:
        pass

    def page(self, number: int) -> RecordingPage:
        self._clock.advance(500)
        self.requests += 1
        count = (self._clock() - self._start_ms) // self._apart_ms
        first = (number - 1) * 100
        if self._newest_first:
            places = range(count - 1 - first, max(-1, count - 101 - first), -1)
        else:
            places = range(first, min(count, first + 100))
        recordings = [ListedRecording(place + 1, self._start_ms + place * self._apart_ms) for place in places]
        return RecordingPage(number, -(-count // 100), tuple(recordings), total_count=count)


@pytest.mark.parametrize(
    ("a_day", "newest_first", "usual", "of_a_day"),
    [
        (1_000, True, 1, 306),
        (1_000, False, 2, 360),
        (10_000, True, 2, 765),
        (10_000, False, 3, 1_038),
        (100_000, True, 20, 6_877),
    ],
)
def test_the_requests_of_a_day(a_day: int, newest_first: bool, usual: int, of_a_day: int) -> None:
    """All recordings are known already. Two of the 288 runs start a look at the whole lookback."""
    world = World().started()
    world.discover = replace(world.discover, recordings=SteadyList(world.clock, a_day, newest_first=newest_first))
    world.memory.look_up = all_known  # type: ignore[method-assign]
    world.run()
    runs, usual_pages = [], []
    for at_ms in range(world.clock(), world.clock() + DAY, 5 * MINUTE):
        world.clock.now_ms = at_ms
        left_before = world.left
        runs.append(world.run(left=225))  # of 300 in five minutes, a quarter is never given to discovery
        if not left_before and runs[-1].pages <= 30:
            usual_pages.append(runs[-1].pages)

    assert sorted(usual_pages)[len(usual_pages) * 9 // 10] <= usual
    assert sum(run.pages for run in runs) <= of_a_day
    assert not any(run.behind for run in runs)


def all_known(recordings: Collection[RecordingId]) -> dict[RecordingId, Trace]:
    return dict.fromkeys(recordings, Judged(Source.DISCOVERY, NOON_MS))


@ORDERS
@pytest.mark.parametrize("old", [0, 10, 100, 101, 100_000])
def test_a_run_costs_the_same_however_many_old_recordings_there_are(newest_first: bool, old: int) -> None:
    world = World(newest_first=newest_first).old(old).started()
    world.run()
    assert len(world.list.requests) <= 2
    world.new(*range(1, 31))
    world.run()
    assert len(world.list.requests) <= 3
    assert world.memory.looked_up[-1] <= 30  # only the new ones, whatever else is on their page


@ORDERS
def test_both_ends_are_compared_once(newest_first: bool) -> None:
    world = World(newest_first=newest_first).old(950)
    world.run()
    assert world.list.requests == [1, 10]
    world.run()
    assert world.list.requests == ([1] if newest_first else [10])


@ORDERS
def test_a_list_that_is_reversed_is_read_from_its_new_end_at_once(newest_first: bool) -> None:
    world = World(newest_first=newest_first).old(950).started()
    world.list.newest_first = not newest_first
    world.new(1, 2, 3)
    assert len(world.run().announced) == 3
    world.new(4)
    assert world.run().announced == [4]


@ORDERS
def test_pages_that_become_more_or_fewer_are_followed(newest_first: bool) -> None:
    world = World(newest_first=newest_first).old(950).started()
    world.new(*range(1, 101))
    assert len(world.run().announced) == 100
    for number in range(1_000_000 - 900, 1_000_001):
        world.list.remove(number)
    world.new(101)
    assert world.run().announced == [101]
    for number in [*range(1, 102), *range(1_000_000 - 949, 1_000_000 - 900)]:
        world.list.remove(number)
    assert world.run().stopped is None
    world.new(102)
    assert world.run().announced == [102]
