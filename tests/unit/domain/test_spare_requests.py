"""What the request budget gives to work that can wait: only what nobody else needs, and never beyond the limit."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.request_budget import SLOT_LAPSES_MS, WINDOW_MS, Denied, Schedule, Slot, grant, spare
from tests.fakes.clock import NOON_MS

MINUTE_MS = 60_000


def taken(schedule: Schedule, wishes: int, limit: int, now_ms: int = NOON_MS) -> int:
    """How many of the wishes are granted."""
    for number in range(wishes):
        after = spare(schedule, now_ms, limit)
        if after is None:
            return number
        schedule = after
    return wishes


@pytest.mark.parametrize(("limit", "given_away"), [(1, 1), (2, 2), (3, 3), (4, 3), (60, 45), (300, 225)])
def test_a_quarter_of_the_limit_is_kept_for_evaluation(limit: int, given_away: int) -> None:
    assert taken(Schedule(), 1_000, limit) == given_away


@pytest.mark.parametrize("in_use", [0, 20, 44, 45, 60])
def test_requests_of_evaluation_are_counted(in_use: int) -> None:
    schedule, _ = grant(Schedule(), [NOON_MS] * in_use, NOON_MS, 60)
    assert taken(schedule, 1_000, 60) == max(0, 45 - in_use)


def test_nothing_is_to_spare_while_a_worker_sleeps_until_its_slot() -> None:
    schedule, answers = grant(Schedule(), [NOON_MS] * 3 + [NOON_MS + 2 * MINUTE_MS], NOON_MS, 3)
    assert isinstance(answers[-1], Slot)
    assert taken(schedule, 1, 3, answers[-1].at_ms - 1) == 0
    assert taken(schedule, 1, 3, answers[-1].at_ms) == 1


def test_nothing_is_to_spare_while_denied_events_have_not_come_back() -> None:
    """Slots are free already, but those who were sent away to come back for them have not come yet."""
    schedule, answers = grant(Schedule(), [NOON_MS] * 40, NOON_MS, 3)
    assert isinstance(answers[-1], Denied)
    last_comes_back_ms = answers[-1].retry_at_ms
    assert last_comes_back_ms > NOON_MS + 2 * WINDOW_MS
    assert taken(schedule, 1, 3, NOON_MS + 2 * WINDOW_MS) == 0
    assert taken(schedule, 1, 3, last_comes_back_ms) == 0
    assert taken(schedule, 1, 3, last_comes_back_ms + MINUTE_MS) == 1


def test_nothing_is_to_spare_during_a_hold() -> None:
    held = Schedule().held(NOON_MS + MINUTE_MS)
    assert taken(held, 1, 60, NOON_MS + MINUTE_MS - 1) == 0
    assert taken(held, 1, 60, NOON_MS + MINUTE_MS) == 1


@given(
    steps=st.lists(st.tuples(st.integers(0, 30_000), st.integers(0, 8), st.integers(0, 8)), min_size=1, max_size=60),
    limit=st.integers(1, 12),
    data=st.data(),
)
def test_no_minute_holds_more_than_the_limit_with_both_kinds_of_requests(
    steps: list[tuple[int, int, int]], limit: int, data: st.DataObject
) -> None:
    schedule, now_ms, slots = Schedule(), NOON_MS, list[int]()
    for since_ms, wishes, spares in steps:
        now_ms += since_ms
        schedule, answers = grant(schedule, [now_ms + 12_000] * wishes, now_ms, limit)
        slots += [answer.at_ms for answer in answers if isinstance(answer, Slot)]
        for _ in range(spares):
            after = spare(schedule, now_ms, limit)
            if after is None:
                break
            schedule = after
            slots.append(now_ms)
    late = st.integers(0, SLOT_LAPSES_MS + 499)
    arrivals = sorted(at_ms + data.draw(late) for at_ms in slots)
    for first in arrivals:
        assert sum(first <= at_ms < first + MINUTE_MS for at_ms in arrivals) <= limit
