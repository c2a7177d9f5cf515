"""The request budget's schedule: no window of 60 s holds more than the limit, and a backlog uses nearly all of it."""

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.request_budget import SLOT_LAPSES_MS, WINDOW_MS, Denied, Schedule, Slot, grant
from tests.fakes.clock import NOON_MS

MINUTE_MS = 60_000
TRAVEL_MS = 499
"""What a request may take to reach the vendor, who counts it where it arrives."""


def granted(
    schedule: Schedule, wishes: int, now_ms: int, limit: int, patience_ms: int = 0
) -> tuple[Schedule, list[int]]:
    """Ask for slots within the patience; those that were given."""
    schedule, answers = grant(schedule, [now_ms + patience_ms] * wishes, now_ms, limit)
    return schedule, [answer.at_ms for answer in answers if isinstance(answer, Slot)]


def most_in_a_minute(times: Sequence[int]) -> int:
    ordered = sorted(times)
    first, most = 0, 0
    for last, at_ms in enumerate(ordered):
        while ordered[first] <= at_ms - MINUTE_MS:
            first += 1
        most = max(most, last - first + 1)
    return most


def test_after_idleness_a_whole_burst_starts_at_once() -> None:
    _, slots = granted(Schedule(), 60, NOON_MS, limit=60)
    assert slots == [NOON_MS] * 60


def test_a_request_over_the_limit_waits_for_the_window_to_move_on() -> None:
    schedule, slots = granted(Schedule(), 5, NOON_MS, limit=3, patience_ms=10 * MINUTE_MS)
    assert slots[:3] == [NOON_MS] * 3
    assert slots[3] == slots[4] > NOON_MS + MINUTE_MS + SLOT_LAPSES_MS
    _, later = granted(schedule, 1, slots[4] + MINUTE_MS, limit=3)
    assert later == [slots[4] + MINUTE_MS]


def test_a_slot_no_later_than_wished_or_a_time_to_come_back() -> None:
    schedule, _ = granted(Schedule(), 1, NOON_MS, limit=1)
    free_ms = granted(schedule, 1, NOON_MS, limit=1, patience_ms=10 * MINUTE_MS)[1][0]
    _, answers = grant(schedule, [free_ms - 1, free_ms], NOON_MS, 1)
    assert isinstance(answers[0], Denied)
    assert answers[1] == Slot(free_ms)


def test_a_denied_wish_takes_no_slot() -> None:
    schedule, _ = granted(Schedule(), 1, NOON_MS, limit=1)
    denied, answers = grant(schedule, [NOON_MS] * 5, NOON_MS, 1)
    assert [type(answer) for answer in answers] == [Denied] * 5
    assert denied.slots == schedule.slots


def test_denied_wishes_come_back_evenly_six_for_each_slot() -> None:
    limit = 60
    schedule, _ = granted(Schedule(), limit, NOON_MS, limit)
    _, answers = grant(schedule, [NOON_MS] * 7 * limit, NOON_MS, limit)
    back = [answer.retry_at_ms for answer in answers if isinstance(answer, Denied)]
    assert NOON_MS + WINDOW_MS - 15_000 < back[0] < NOON_MS + WINDOW_MS
    assert {after - before for before, after in pairwise(back)} == {WINDOW_MS // (6 * limit)}


@given(line_ms=st.integers(-(10**7), 10**9), wishes=st.integers(1, 200), limit=st.integers(1, 300))
def test_a_denied_worker_comes_back_within_the_delay_that_a_queue_allows(line_ms: int, wishes: int, limit: int) -> None:
    full, _ = granted(Schedule(line_ms=NOON_MS + line_ms), limit, NOON_MS, limit)
    _, answers = grant(full, [NOON_MS] * wishes, NOON_MS, limit)
    for answer in answers:
        assert isinstance(answer, Denied)
        assert NOON_MS <= answer.retry_at_ms <= NOON_MS + 900_000


class TestHolds:
    def test_no_slot_before_a_hold_ends(self) -> None:
        held = Schedule().held(NOON_MS + MINUTE_MS)
        assert granted(held, 2, NOON_MS, 60, patience_ms=2 * MINUTE_MS)[1] == [NOON_MS + MINUTE_MS] * 2
        _, [answer] = grant(held, [NOON_MS + MINUTE_MS - 1], NOON_MS, 60)
        assert isinstance(answer, Denied)

    def test_a_shorter_hold_does_not_end_a_longer_one(self) -> None:
        assert Schedule().held(NOON_MS + 5).held(NOON_MS + 3).held_until_ms == NOON_MS + 5

    def test_a_hold_beyond_the_longest_delay_is_told_as_it_is(self) -> None:
        held = Schedule().held(NOON_MS + 86_400_000)
        _, [answer] = grant(held, [NOON_MS], NOON_MS, 60)
        assert isinstance(answer, Denied)
        assert NOON_MS + 900_000 < answer.retry_at_ms <= NOON_MS + 86_400_000


BATCHES = st.lists(
    st.tuples(
        st.integers(0, 40_000),  # ms since the batch before
        st.integers(1, 12),  # wishes
        st.integers(0, 30_000),  # patience
    ),
    min_size=1,
    max_size=60,
)


@given(batches=BATCHES, limit=st.integers(1, 12), data=st.data())
def test_no_minute_holds_more_than_the_limit_however_late_each_slot_is_used(
    batches: list[tuple[int, int, int]], limit: int, data: st.DataObject
) -> None:
    schedule, now_ms, slots = Schedule(), NOON_MS, list[int]()
    for since_ms, wishes, patience_ms in batches:
        now_ms += since_ms
        schedule, given_now = granted(schedule, wishes, now_ms, limit, patience_ms)
        slots += given_now
    late = st.sampled_from([0, SLOT_LAPSES_MS + TRAVEL_MS]) | st.integers(0, SLOT_LAPSES_MS + TRAVEL_MS)
    lateness = data.draw(st.lists(late, min_size=len(slots), max_size=len(slots)))
    arrivals = [at_ms + late_ms for at_ms, late_ms in zip(slots, lateness, strict=True)]
    assert most_in_a_minute(arrivals) <= limit


@given(batches=BATCHES, limit=st.integers(1, 12), skew=st.lists(st.integers(-2_000, 2_000), min_size=60, max_size=60))
def test_workers_whose_clocks_differ_keep_the_limit(
    batches: list[tuple[int, int, int]], limit: int, skew: list[int]
) -> None:
    schedule, now_ms, slots = Schedule(), NOON_MS, list[int]()
    for (since_ms, wishes, patience_ms), apart_ms in zip(batches, skew, strict=False):
        now_ms += since_ms
        schedule, given_now = granted(schedule, wishes, now_ms + apart_ms, limit, patience_ms)
        assert given_now == sorted(given_now)
        slots += given_now
    assert slots == sorted(slots)
    assert most_in_a_minute(slots) <= limit


@given(changes=st.lists(st.tuples(st.integers(1, 12), st.integers(0, 30_000)), min_size=2, max_size=40))
def test_a_limit_that_is_changed_holds_from_its_change_on(changes: list[tuple[int, int]]) -> None:
    """Each minute is held to the highest limit that was in force in it."""
    schedule, now_ms = Schedule(), NOON_MS
    slots, limits = list[int](), list[tuple[int, int]]()
    for limit, since_ms in changes:
        now_ms += since_ms
        schedule, given_now = granted(schedule, 12, now_ms, limit)
        slots += given_now
        limits.append((now_ms, limit))
    for at_ms in slots:
        within = [each for each in slots if at_ms <= each < at_ms + MINUTE_MS]
        assert len(within) <= max(limit for when_ms, limit in limits if at_ms <= when_ms < at_ms + MINUTE_MS)


@pytest.mark.parametrize("limit", [1, 60, 300])
def test_the_log_holds_little_more_than_the_limit_needs(limit: int) -> None:
    schedule = Schedule()
    for step in range(200):
        schedule, _ = granted(schedule, 50, NOON_MS + step * 1_000, limit, patience_ms=12_000)
    assert limit <= len(schedule.slots) <= limit * 2


def test_a_log_that_is_out_of_the_window_is_forgotten() -> None:
    schedule, _ = granted(Schedule(), 60, NOON_MS, 60)
    schedule, _ = granted(schedule, 1, NOON_MS + 2 * MINUTE_MS, limit=2)
    assert schedule.slots == (NOON_MS, NOON_MS + 2 * MINUTE_MS)
