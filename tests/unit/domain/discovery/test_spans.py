"""Spans of creation times: opened, merged, and shortened by a walk from the newest time to the oldest."""

import pytest

from domain.discovery.spans import Span, Spans, opened, walked_to


def spans(*bounds: tuple[int, int]) -> Spans:
    return tuple(Span(from_ms=start, to_ms=end, due_ms=0) for start, end in bounds)


@pytest.mark.parametrize(
    ("open_before", "new", "after"),
    [
        ([], (5, 9), [(5, 9)]),
        ([(1, 3)], (5, 9), [(5, 9), (1, 3)]),
        ([(1, 4)], (5, 9), [(5, 9), (1, 4)]),
        ([(1, 5)], (5, 9), [(1, 9)]),
        ([(20, 30), (6, 7), (1, 3)], (5, 9), [(20, 30), (5, 9), (1, 3)]),
        ([(8, 30), (1, 6)], (5, 9), [(1, 30)]),
    ],
)
def test_spans_that_overlap_become_one(
    open_before: list[tuple[int, int]], new: tuple[int, int], after: list[tuple[int, int]]
) -> None:
    assert opened(spans(*open_before), *spans(new)) == spans(*after)


def test_merged_spans_are_due_with_the_first_and_go_on_with_the_newest() -> None:
    old = Span(from_ms=1, to_ms=5, due_ms=10, older_pages=3)
    new = Span(from_ms=4, to_ms=9, due_ms=20)
    assert opened([old], new) == (Span(from_ms=1, to_ms=9, due_ms=10),)


@pytest.mark.parametrize(
    ("reached", "left"),
    [(30, [(20, 30), (5, 9)]), (25, [(20, 25), (5, 9)]), (20, [(20, 20), (5, 9)]), (19, [(5, 9)]), (4, [])],
)
def test_a_walk_leaves_what_was_created_until_the_time_it_has_reached(
    reached: int, left: list[tuple[int, int]]
) -> None:
    assert walked_to(spans((20, 30), (5, 9)), reached) == spans(*left)
