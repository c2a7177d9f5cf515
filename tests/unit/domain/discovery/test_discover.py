"""Discovery against a list in either order: what it announces, what that costs, and what it leaves for the next run."""

from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.discovery.discover import DiscoverRecordings, Run
from domain.discovery.mark import Mark, Marked
from domain.discovery.state import Judged, Order
from domain.errors import (
    BudgetSpent,
    KeyForbidden,
    KeyMissing,
    KeyRefused,
    NotTaken,
    OutOfTime,
    Throttled,
    Unavailable,
    Unusable,
)
from domain.evaluation.outcome import Source
from tests.fakes.clock import NOON_MS, FakeClock
from tests.fakes.discovery import FakeList, FakeSender, FakeSpareBudget, InMemoryDiscovery
from tests.fakes.stage import Crash, Stage

MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
ORDERS = pytest.mark.parametrize("newest_first", [True, False], ids=["newest first", "oldest first"])


class World:
    """One account and one deployment, whose clock moves on by five minutes from run to run."""

    def __init__(self, *, newest_first: bool = True) -> None:
        self.stage = Stage()
        self.clock = FakeClock()
        self.list = FakeList(newest_first=newest_first, stage=self.stage)
        self.memory = InMemoryDiscovery(self.clock, self.stage)
        self.sender = FakeSender(self.stage)
        self.budget = FakeSpareBudget(self.clock)
        self.discover = DiscoverRecordings(
            recordings=self.list,
            memory=self.memory,
            queue=self.sender,
            budget=self.budget,
            now_ms=self.clock,
            lookback_ms=DAY,
        )

    def run(self, *, left: int = 1_000_000, history_ms: int | None = None, time_ms: int = 30_000) -> Run:
        """A run, five minutes after the one before it."""
        self.clock.advance(5 * MINUTE)
        self.budget.left = left
        self.list.requests.clear()
        return self.discover(self.clock() + time_ms, history_ms)

    def started(self) -> "World":
        """Long in use: the first start was a month ago, and everything since was discovered by then."""
        self.run()
        assert self.memory.stored
        self.memory.stored = replace(self.memory.stored, started_ms=NOON_MS - 30 * DAY)
        return self

    def old(self, count: int) -> "World":
        """Recordings of the past, a minute apart, the youngest two days old; numbered downwards from a million."""
        for number in reversed(range(count)):
            self.list.add(1_000_000 - number, NOON_MS - 2 * DAY - number * MINUTE)
        return self

    def new(self, *recordings: int, age_ms: int = MINUTE) -> None:
        for recording in recordings:
            self.list.add(recording, self.clock() - age_ms)

    def judged(self, *recordings: int, source: Source = Source.DISCOVERY) -> None:
        for recording in recordings:
            self.memory.outcomes[recording] = Judged(source, self.clock())

    def other_trigger(self) -> None:
        """A webhook has delivered: recording 7 was judged before discovery met it."""
        self.new(7)
        self.judged(7, source=Source.WEBHOOK)
        self.run()


# ── What is announced ───────────────────────────────────────────────────────────────────────────────────────


@ORDERS
def test_a_new_recording_is_announced_and_marked_once(newest_first: bool) -> None:
    world = World(newest_first=newest_first).old(250).started()
    world.new(1, 2)

    assert sorted(map(int, world.run().announced)) == [1, 2]
    assert world.memory.marks[1].mark is Mark.SENT
    assert world.run().announced == []
    assert sorted(map(int, world.sender.sent)) == [1, 2]


def test_a_recording_with_any_outcome_is_not_announced() -> None:
    world = World().started()
    world.new(1, 2)
    world.judged(1)

    assert world.run().announced == [2]


def test_a_recording_that_is_completed_after_younger_ones_is_announced_when_it_appears() -> None:
    world = World().started()
    world.new(*range(1, 251))
    world.run()
    world.list.add(999, world.clock() - 20 * MINUTE)

    assert world.run().announced == [999]


def test_events_are_sent_ten_at_a_time_each_ten_marked_before_the_next() -> None:
    world = World().started()
    world.new(*range(1, 24))
    world.stage.passed.clear()

    world.run()

    assert world.sender.batches == [10, 10, 3]
    steps = [step for step in world.stage.passed if step in {"before send", "before mark sent"}]
    assert steps == ["before send", "before mark sent"] * 3


def test_what_is_listed_but_not_completed_waits() -> None:
    world = World().started()
    world.new(1)
    world.list.pending = {1}
    assert world.run().announced == []
    world.list.pending = set()
    assert world.run().announced == [1]


# ── First start and history ─────────────────────────────────────────────────────────────────────────────────


@ORDERS
def test_the_first_start_announces_nothing_of_the_past(newest_first: bool) -> None:
    world = World(newest_first=newest_first)
    for number in range(1, 5_001):
        world.list.add(number, NOON_MS - 30 * MINUTE - number * MINUTE)

    assert world.run().announced == []
    assert world.run().announced == []


def test_what_was_created_before_the_first_start_and_completed_after_it_is_announced() -> None:
    world = World()
    world.run()
    world.new(1, age_ms=19 * MINUTE)

    assert world.run().announced == [1]


def test_the_first_start_is_remembered_even_if_the_vendor_cannot_be_asked_for_days() -> None:
    world = World()
    for _ in range(3):
        world.clock.advance(DAY)
        world.list.raises = {1: KeyMissing("No api-key is stored.")}
        world.new(world.clock() % 1_000_003)
        assert world.run().announced == []
    world.list.raises = {}
    world.clock.advance(HOUR)

    assert len(world.run().announced) == 3


@ORDERS
def test_history_reaches_back_to_before_the_first_start_as_far_as_asked(newest_first: bool) -> None:
    world = World(newest_first=newest_first)
    for number in range(1, 401):
        world.list.add(number, NOON_MS - number * HOUR)
    world.run()

    run = world.run(history_ms=200 * HOUR + 10 * MINUTE)

    assert sorted(map(int, run.announced)) == list(range(1, 201))
    assert run.missed == []
    assert world.run().announced == []


@ORDERS
def test_history_that_is_not_finished_is_gone_on_with_while_new_recordings_are_found(newest_first: bool) -> None:
    world = World(newest_first=newest_first)
    for number in range(1, 1_001):
        world.list.add(number, NOON_MS - number * HOUR)
    world.run()
    announced = list(world.run(history_ms=1_000 * DAY, left=4).announced)

    for fresh in range(5_001, 5_021):
        world.new(fresh)
        run = world.run(left=4)
        assert fresh in run.announced
        announced += run.announced
        if run.stopped is None:
            break

    assert {*range(1, 1_001)} <= {*map(int, announced)}
    assert len(announced) == len(set(announced))
    assert world.memory.stored
    assert world.memory.stored.walk is None


@ORDERS
def test_while_a_walk_is_open_all_that_is_new_comes_before_what_is_left(newest_first: bool) -> None:
    world = World(newest_first=newest_first)
    for number in range(1, 2_001):
        world.list.add(number, NOON_MS - number * HOUR)
    world.run()
    world.run(history_ms=1_000 * DAY, left=8)
    world.new(*range(5_001, 5_351))

    run = world.run(left=12)

    assert {*range(5_001, 5_351)} <= {*map(int, run.announced)}
    assert len(run.announced) > 350  # and then it went on


@ORDERS
def test_history_is_walked_to_its_end_also_if_the_list_is_turned_round_meanwhile(newest_first: bool) -> None:
    world = World(newest_first=newest_first)
    for number in range(1, 1_001):
        world.list.add(number, NOON_MS - 2 * DAY - number * HOUR)
    world.run()
    world.run(history_ms=30 * DAY, left=4)
    world.list.newest_first = not newest_first

    assert world.run().stopped is None
    assert {*map(int, world.sender.sent)} == {*range(1, 28 * 24)}


@ORDERS
def test_what_is_new_is_not_forgotten_where_a_run_could_not_finish_with_it(newest_first: bool) -> None:
    world = World(newest_first=newest_first)
    for number in range(1, 2_001):
        world.list.add(number, NOON_MS - number * HOUR)
    world.run()
    world.run(history_ms=1_000 * DAY, left=8)
    world.new(*range(5_001, 5_351))
    world.run(left=3)
    world.run()

    assert {*range(5_001, 5_351)} <= {*map(int, world.sender.sent)}
    assert len(world.list.requests) <= 20  # neither what was new nor the history is walked again


def test_no_page_is_read_twice_where_what_is_new_reaches_to_where_the_walk_was_left() -> None:
    world = World()
    for number in range(1, 2_001):
        world.list.add(number, NOON_MS - number * HOUR)
    world.run()
    world.run(history_ms=1_000 * DAY, left=8)
    world.new(*range(5_001, 6_001))

    assert world.run().stopped is None
    assert world.list.requests == list(range(1, 31))


@ORDERS
def test_what_is_completed_during_a_walk_of_days_is_found_by_the_one_after_it(newest_first: bool) -> None:
    """It came behind the place where the walk was, and has left the lookback when the walk ends."""
    world = World(newest_first=newest_first)
    for number in range(1, 2_001):
        world.list.add(number, NOON_MS - number * HOUR)
    world.run()
    world.run(history_ms=1_000 * DAY, left=8)
    world.new(*range(5_001, 5_251))
    world.run(left=8)
    world.new(9_999, age_ms=19 * MINUTE)
    while world.run(left=3).stopped:
        world.clock.advance(DAY)
    assert 9_999 not in world.sender.sent
    world.run()

    assert 9_999 in world.sender.sent


def test_history_asked_for_while_a_walk_is_open_forgets_nothing_of_it() -> None:
    world = World().started()
    for number in range(1, 301):
        world.new(number, age_ms=number * MINUTE)
    world.run(left=1)
    world.run(history_ms=HOUR)

    assert len(set(world.sender.sent)) == 300


def test_history_does_not_count_what_is_older_than_the_first_start_as_missed() -> None:
    world = World()
    world.list.add(1, NOON_MS - 3 * HOUR)
    world.run()
    world.other_trigger()

    run = world.run(history_ms=DAY)

    assert (run.announced, run.missed) == ([1], [])


# ── The safety net ──────────────────────────────────────────────────────────────────────────────────────────


def test_where_another_trigger_delivers_a_recording_gets_one_run_of_grace() -> None:
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


def test_without_another_trigger_nothing_waits_and_nothing_is_missed() -> None:
    world = World().started()
    world.new(1)
    assert (run := world.run()).announced == [1]
    assert run.missed == []


@pytest.mark.parametrize("source", [Source.DISCOVERY, Source.REPLAY])
def test_an_outcome_by_discovery_or_by_replay_is_no_other_trigger(source: Source) -> None:
    world = World().started()
    world.new(7)
    world.judged(7, source=source)
    world.run()
    world.new(1)

    assert world.run().announced == [1]


def test_a_trigger_that_has_not_delivered_for_a_week_is_not_relied_on() -> None:
    world = World().started()
    world.other_trigger()
    world.clock.advance(7 * DAY)
    world.new(1)

    run = world.run()

    assert (run.announced, run.missed) == ([1], [])


def test_a_trigger_is_remembered_though_its_outcomes_leave_the_lookback() -> None:
    world = World().started()
    world.other_trigger()
    world.clock.advance(6 * DAY)
    world.new(1)

    assert world.run().announced == []
    assert world.run().missed == [1]


def test_two_runs_within_moments_do_not_shorten_the_grace() -> None:
    world = World().started()
    world.other_trigger()
    world.new(1)
    world.run()

    world.clock.advance(1_000)
    assert world.discover(world.clock() + 30_000).announced == []
    assert world.run().missed == [1]


def test_a_recording_about_to_leave_the_lookback_gets_no_grace() -> None:
    world = World().started()
    world.other_trigger()
    world.new(1, age_ms=23 * HOUR)

    assert world.run().missed == [1]


# ── What it costs ───────────────────────────────────────────────────────────────────────────────────────────


@ORDERS
@pytest.mark.parametrize("old", [0, 10, 100, 101, 100_000])
def test_a_run_costs_the_same_few_calls_however_many_old_recordings_there_are(newest_first: bool, old: int) -> None:
    world = World(newest_first=newest_first).old(old).started()
    world.run()
    quiet = len(world.list.requests)
    world.new(*range(1, 31))
    world.run()
    arriving = len(world.list.requests)
    world.judged(*range(1, 31))
    world.run()
    known = len(world.list.requests)
    looked_up = sum(world.memory.looked_up[-2:])

    assert quiet <= 2
    assert arriving <= 3
    assert known <= 2
    assert looked_up <= 60  # only the young ones, whatever else is on their page


@ORDERS
def test_a_call_for_each_hundred_recordings_of_the_lookback_and_one_to_see_its_end(newest_first: bool) -> None:
    world = World(newest_first=newest_first).old(100_000).started()
    for number in range(1, 951):
        world.new(number, age_ms=number * MINUTE)
    world.run()

    assert len(world.sender.sent) == 950
    assert len(world.list.requests) <= 950 / 100 + 3


# ── Which end is new ────────────────────────────────────────────────────────────────────────────────────────


@ORDERS
def test_which_end_is_new_is_found_out_once(newest_first: bool) -> None:
    world = World(newest_first=newest_first).old(950)
    world.run()
    assert world.list.requests[:2] == [1, 10]
    assert world.memory.stored
    assert world.memory.stored.order is (Order.NEWEST_FIRST if newest_first else Order.OLDEST_FIRST)
    world.new(1)
    world.run()

    assert world.list.requests == ([1, 2] if newest_first else [10, 9])


@ORDERS
def test_a_list_that_is_turned_round_one_day_is_walked_from_its_new_end_at_once(newest_first: bool) -> None:
    world = World(newest_first=newest_first).old(950).started()
    world.run()
    world.list.newest_first = not newest_first
    world.new(1, 2, 3)

    assert len(world.run().announced) == 3
    world.new(4)
    assert world.run().announced == [4]


def test_pages_that_become_more_or_fewer_are_followed() -> None:
    world = World(newest_first=False).old(950).started()
    world.new(*range(1, 101))
    assert len(world.run().announced) == 100
    for number in range(1_000_000 - 900, 1_000_000 + 1):
        world.list.remove(number)
    world.new(101)

    assert world.run().announced == [101]


# ── Stopping early and going on ─────────────────────────────────────────────────────────────────────────────


@ORDERS
def test_a_run_without_requests_to_spare_stops_and_the_next_one_goes_on(newest_first: bool) -> None:
    world = World(newest_first=newest_first).old(5_000).started()
    for number in range(1, 951):
        world.new(number, age_ms=number * MINUTE)

    runs = [world.run(left=3) for _ in range(8)]

    assert [type(run.stopped) for run in runs[:4]] == [BudgetSpent] * 4
    assert len(set(world.sender.sent)) == len(world.sender.sent) == 950
    assert None in [run.stopped for run in runs]


def test_a_run_near_its_deadline_starts_no_page() -> None:
    world = World().old(300).started()
    run = world.run(time_ms=10_000)

    assert isinstance(run.stopped, OutOfTime)
    assert world.list.requests == []


@pytest.mark.parametrize("kind", [Throttled, KeyRefused, KeyMissing])
def test_what_would_meet_everybody_holds_everybody_s_requests(kind: type[Throttled]) -> None:
    world = World().started()
    world.list.raises = {1: kind("No.", world.clock() + 40 * MINUTE if kind is Throttled else None)}
    run = world.run()

    assert isinstance(run.stopped, kind)
    expected_ms = 35 * MINUTE if kind is Throttled else MINUTE
    assert world.budget.held_until_ms == world.clock() + expected_ms


@pytest.mark.parametrize("kind", [KeyForbidden, Unavailable, Unusable])
def test_what_concerns_discovery_alone_holds_nobody(kind: type[Unavailable]) -> None:
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
        world.clock.advance(DAY)
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

    assert sorted(map(int, world.sender.sent)) == list(range(1, 31))


# ── Two at once, crashes, bad items ─────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("first_start", [True, False])
def test_of_two_runs_at_once_one_just_finishes(first_start: bool) -> None:
    """The second run takes place, as a whole, at any point within the first."""
    points = _points_of_a_run(first_start)
    for point in range(points):
        world = _two_pages(first_start)
        seconds: list[Run] = []
        world.stage.passed.clear()
        world.stage.at(point, lambda: seconds.append(world.discover(world.clock() + 30_000)))  # noqa: B023
        world.run()

        assert seconds
        assert {*map(int, world.sender.sent)} == {*range(1, 151)}
        assert world.run().announced == []
        assert world.memory.stored
        assert world.memory.stored.walk is None


@pytest.mark.parametrize("first_start", [True, False])
def test_after_a_crash_at_any_point_the_next_run_announces_what_is_left(first_start: bool) -> None:
    for point in range(_points_of_a_run(first_start)):
        world = _two_pages(first_start)
        world.stage.passed.clear()
        world.stage.crash_at(point)
        with pytest.raises(Crash):
            world.run()
        world.run()

        assert {*map(int, world.sender.sent)} == {*range(1, 151)}
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


def test_a_wish_for_history_survives_a_run_that_began_before_it() -> None:
    world = World()
    world.list.add(1, NOON_MS - 5 * DAY)
    world.run()

    def ask() -> None:
        world.list.raises = {2: Unavailable("The API answered 500.")}
        world.discover(world.clock() + 30_000, 10 * DAY)

    world.stage.passed.clear()
    world.stage.at(4, ask)
    run = world.run()
    assert run.superseded
    world.list.raises = {}

    assert world.run().announced == [1]


def test_an_empty_account_costs_one_call() -> None:
    world = World()
    assert world.run().stopped is None
    assert world.list.requests == [1]


def test_malformed_items_are_told_and_the_others_go_on() -> None:
    world = World().old(150).started()
    world.new(1)
    world.list.malformed = {1: (5, None)}
    run = world.run()

    assert run.announced == [1]
    assert run.malformed == [5, None]


# ── Anything at all ─────────────────────────────────────────────────────────────────────────────────────────

STEPS = st.lists(
    st.tuples(
        st.integers(0, 240),  # recordings that are completed
        st.integers(0, 20),  # minutes that the oldest of them took
        st.integers(0, 30),  # of them, how many another trigger brings before the run
        st.integers(2, 6),  # requests to spare
        st.sampled_from([None, None, None, "crash", "unavailable", "throttled"]),
        st.integers(0, 12),  # where
        st.integers(0, 2),  # recordings deleted
    ),
    min_size=3,
    max_size=25,
)


@settings(max_examples=150, deadline=None)
@given(steps=STEPS, newest_first=st.booleans())
def test_whatever_happens_every_recording_is_judged_in_the_end(
    steps: list[tuple[int, int, int, int, str | None, int, int]], newest_first: bool
) -> None:
    world = World(newest_first=newest_first).old(250)
    world.run()
    numbers = iter(range(1, 1_000_000))
    alive: list[int] = []
    for count, minutes, brought, left, trouble, where, deleted in steps:
        fresh = [next(numbers) for _ in range(count)]
        alive += fresh
        for place, recording in enumerate(fresh):
            world.new(recording, age_ms=(place * minutes * MINUTE) // max(count, 1))
        world.judged(*fresh[:brought], source=Source.WEBHOOK)
        for recording in alive[:deleted]:
            alive.remove(recording)
            world.list.remove(recording)
        world.list.raises = {}
        if trouble == "crash":
            world.stage.passed.clear()
            world.stage.crash_at(where)
        elif trouble:
            world.list.raises = {where % 4 + 1: Unavailable("500.") if trouble == "unavailable" else Throttled("429.")}
        with suppress(Crash):
            world.run(left=left)
    world.list.raises = {}
    world.stage.forget()
    _until_nothing_is_left(world, alive)

    assert {*alive} <= {*map(int, world.sender.sent)} | {*map(int, world.memory.outcomes)}


def _until_nothing_is_left(world: World, recordings: list[int]) -> None:
    """Runs without trouble, until one that has walked the whole way has found nothing."""
    for _ in range(20):
        whole = world.memory.stored is not None and world.memory.stored.walk is None
        run = world.run()
        waiting = [each for each in recordings if world.memory.marks.get(each, SENT).mark is Mark.SEEN]
        quiet = not (run.stopped or run.announced or [each for each in waiting if each not in world.memory.outcomes])
        if quiet and whole:
            return
    pytest.fail("discovery does not come to rest")


SENT = Marked(Mark.SENT, 0)
