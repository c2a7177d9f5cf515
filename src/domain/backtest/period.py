"""A span of time in which calls were judged, and its segments."""

import math
from dataclasses import dataclass
from typing import Final

from domain.wording import iso

_SEGMENT_MS: Final = 3_600_000
_MOST_SEGMENTS: Final = 40_000
"""Their numbers are the state machine's input, which takes 256 KB."""


@dataclass(frozen=True, slots=True)
class Period:
    """From one time (epoch milliseconds) to before another one."""

    from_ms: int
    to_ms: int

    @property
    def from_at(self) -> str:
        return iso(self.from_ms)

    @property
    def to_at(self) -> str:
        return iso(self.to_ms)

    @property
    def segments(self) -> int:
        """Into how many segments a distributed backtest cuts it: an hour each, longer ones beyond four years."""
        return min(_MOST_SEGMENTS, math.ceil((self.to_ms - self.from_ms) / _SEGMENT_MS))

    def segment(self, number: int, segments: int) -> "Period":
        """One of so many segments. They leave no gap and do not overlap."""
        length = self.to_ms - self.from_ms
        start, end = (self.from_ms + length * each // segments for each in (number, number + 1))
        return Period(start, end)
