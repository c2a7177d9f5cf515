"""Segments of a period: an hour each, all of it, and nothing twice."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from domain.backtest.period import Period
from tests.fakes.clock import NOON_MS

HOUR_MS = 3_600_000


@given(st.integers(1, 10 * 366 * 24 * HOUR_MS))
def test_segments_follow_each_other_from_end_to_end(length_ms: int) -> None:
    period = Period(NOON_MS, NOON_MS + length_ms)
    segments = [period.segment(number, period.segments) for number in range(period.segments)]
    assert (segments[0].from_ms, segments[-1].to_ms) == (period.from_ms, period.to_ms)
    assert all(one.to_ms == other.from_ms for one, other in pairwise(segments))
    assert all(segment.from_ms < segment.to_ms for segment in segments)


def test_a_segment_is_an_hour_unless_the_period_is_very_long() -> None:
    assert Period(0, 30 * 24 * HOUR_MS).segments == 720
    assert Period(0, 1).segments == 1
    assert Period(0, 10 * 365 * 24 * HOUR_MS).segments == 40_000
