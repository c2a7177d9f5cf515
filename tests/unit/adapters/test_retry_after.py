"""`Retry-After` in both of its forms, and whatever else servers put there."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from adapters.retry_after import CLOCKS_DIFFER_MS, retry_at_ms
from tests.fakes.clock import NOON_MS

DAY_MS = 86_400_000


@pytest.mark.parametrize(
    ("value", "in_ms"),
    [
        ("30", 30_000),
        (" 30 ", 30_000),
        ("0", 0),
        ("86400", DAY_MS),
        ("86401", DAY_MS),
        ("9" * 100, DAY_MS),
        ("Mon, 23 Nov 2026 12:01:00 GMT", 60_000),
        ("Mon, 23 Nov 2026 13:01:00 +0100", 60_000),
        ("Mon, 23 Nov 2026 12:01:00", 60_000),
        ("Mon, 23 Nov 2026 11:00:00 GMT", 0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", DAY_MS),
        *((odd, None) for odd in ("", "soon", "-30", "1.5", "1e3", "٣٠", "²")),
    ],
)
def test_a_value_is_read_as_a_time_of_at_most_a_day(value: str, in_ms: int | None) -> None:
    expected = None if in_ms is None else NOON_MS + in_ms + CLOCKS_DIFFER_MS
    assert retry_at_ms({"Retry-After": value}, NOON_MS) == expected


@pytest.mark.parametrize("name", ["Retry-After", "retry-after", "RETRY-AFTER"])
def test_the_headers_name_in_any_case(name: str) -> None:
    assert retry_at_ms({"X": "1", name: "5"}, NOON_MS) == NOON_MS + 5_000 + CLOCKS_DIFFER_MS


def test_without_the_header_no_time_is_known() -> None:
    assert retry_at_ms({"X-Other": "5"}, NOON_MS) is None


@given(st.text() | st.from_regex(r"\w{3}, \d{1,2} \w{3} \d{1,6} \d\d:\d\d:\d\d [+-]\d{1,6}"))
@example("Mon, 01 Jan 0001 00:00:00 +0000")
@example("Mon, 01 Jan 9999 23:59:59 -2359")
def test_no_value_is_an_error_or_more_than_a_day(value: str) -> None:
    at_ms = retry_at_ms({"Retry-After": value}, NOON_MS)
    assert at_ms is None or NOON_MS <= at_ms <= NOON_MS + DAY_MS + CLOCKS_DIFFER_MS
