"""Spans of creation times that discovery still has to look at."""

from collections.abc import Sequence
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Recordings created from `from_ms` to `to_ms` (epoch, both included) are still to be looked at.

    `due_ms`: discovery is behind if the span is open after this time. `older_pages`: where a run stopped, as the number
    of pages older than that one. That is only a hint where to go on, because pages shift; the times on a page decide.
    """

    from_ms: int
    to_ms: int
    due_ms: int
    older_pages: int | None = None


Spans = tuple[Span, ...]
"""The newest first. No two overlap."""


def opened(spans: Sequence[Span], new: Span) -> Spans:
    """The spans and a new one. Spans that overlap it become one with it."""
    apart = [span for span in spans if span.to_ms < new.from_ms or span.from_ms > new.to_ms]
    merged = [new, *(span for span in spans if span not in apart)]
    newest = max(merged, key=lambda span: span.to_ms)
    whole = replace(
        newest,
        from_ms=min(span.from_ms for span in merged),
        due_ms=min(span.due_ms for span in merged),
    )
    return tuple(sorted([whole, *apart], key=lambda span: span.to_ms, reverse=True))


def walked_to(spans: Sequence[Span], reached_ms: int) -> Spans:
    """The spans left after every recording created after `reached_ms` was looked at.

    Those created at `reached_ms` itself stay: more of them may be on the next page.
    """
    return tuple(replace(span, to_ms=min(span.to_ms, reached_ms)) for span in spans if span.from_ms <= reached_ms)
