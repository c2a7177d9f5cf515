"""Amounts in people's units, and foreign text made harmless."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import wording

SHOWN: dict[Callable[[Any], str], list[tuple[Any, str]]] = {
    wording.duration: [
        *((0, "0.0 s"), (1, "0.001 s"), (7_000, "7.0 s"), (5_000, "5.0 s"), (5_001, "5.001 s"), (5_010, "5.01 s")),
        *((3_500, "3.5 s"), (59_999, "59.999 s"), (60_000, "1 min 0.0 s"), (245_000, "4 min 5.0 s")),
        (3_600_000, "60 min 0.0 s"),
    ],
    wording.length: [
        *((0, "0 s"), (499, "0 s"), (501, "1 s"), (59_499, "59 s"), (59_500, "1 min 0 s"), (245_000, "4 min 5 s")),
        (7_200_000, "120 min 0 s"),
    ],
    wording.position: [
        *((0, "0:00"), (999, "0:00"), (95_000, "1:35"), (3_599_999, "59:59"), (3_600_000, "1:00:00")),
        *((3_723_000, "1:02:03"), (-5, "0:00")),
    ],
    wording.moment: [
        ("2026-11-22T09:15:00Z", "2026-11-22 09:15 UTC"),
        ("2026-11-22T10:15:00+01:00", "2026-11-22 09:15 UTC"),
        ("2026-11-22T09:15:00.123456Z", "2026-11-22 09:15 UTC"),
        *((odd, odd) for odd in ("2026-11-22T09:15:00", "yesterday", "0001-01-01T00:00:00+14:00", "")),
    ],
    wording.score: [(0.3, "0.30"), (0.0, "0.00"), (1.0, "1.00"), (0.949, "0.95")],
    wording.listed: [(["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")],
    wording.clean: [
        ("as it is", "as it is"),
        ("  two \r\n lines\t", "two lines"),
        ("a\x00b\x1b[31mc", "a b [31mc"),
        ("right\u202eto left\u2066", "right to left"),
        ("a\u2028b\u2029c\x85d", "a b c d"),
        ("挨拶 👩‍👩‍👧 é", "挨拶 👩‍👩‍👧 é"),
        ("\uffff\x07", ""),
    ],
}


@pytest.mark.parametrize(
    ("show", "value", "shown"),
    [pytest.param(show, value, shown, id=show.__name__) for show, cases in SHOWN.items() for value, shown in cases],
)
def test_a_value_is_shown(show: Callable[[Any], str], value: Any, shown: str) -> None:
    assert show(value) == shown


@pytest.mark.parametrize(("number", "shown"), [(0, "0 goals"), (1, "1 goal"), (2, "2 goals")])
def test_a_count_has_its_singular_and_plural(number: int, shown: str) -> None:
    assert wording.counted(number, "goal", "goals") == shown


@given(st.integers(0, 10**9), st.integers(0, 10**9))
def test_durations_that_differ_look_different(one: int, other: int) -> None:
    assert (wording.duration(one) == wording.duration(other)) is (one == other)


@given(st.integers(0, 4_102_444_800_000))
def test_a_time_written_is_read_back_to_the_millisecond(epoch_ms: int) -> None:
    parsed = wording.parse_moment(wording.iso(epoch_ms))
    assert parsed
    assert round(parsed.timestamp() * 1000) == epoch_ms
    assert wording.epoch_ms(wording.iso(epoch_ms)) == epoch_ms


@given(st.text())
def test_a_cleaned_text_has_one_line_and_stays_the_same_when_cleaned_again(text: str) -> None:
    cleaned = wording.clean(text)
    assert len(cleaned.splitlines()) <= 1
    assert wording.clean(cleaned) == cleaned


def test_a_cut_says_how_much_is_missing() -> None:
    assert wording.cut("x" * 300, 100) == "x" * 81 + "… (+219 characters)"


@given(st.text(max_size=400), st.integers(40, 300))
def test_a_cut_text_fits_and_its_note_is_true(text: str, limit: int) -> None:
    shown = wording.cut(text, limit)
    assert len(shown) <= limit
    if len(text) <= limit:
        assert shown == text
    else:
        kept, _, missing = shown.rpartition("… (+")
        assert text.startswith(kept)
        assert int(missing.removesuffix(" characters)")) == len(text) - len(kept)


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("2026-11-23T13:00:00.234+01:00", "2026-11-23T12:00:00.234Z"),
        ("2026-11-23T12:00:00", "1970-01-01T00:00:00.007Z"),
        ("yesterday", "1970-01-01T00:00:00.007Z"),
    ],
)
def test_a_time_is_written_in_one_form_and_what_is_none_gives_way(text: str, read: str) -> None:
    assert wording.moment_or(text, 7) == read
