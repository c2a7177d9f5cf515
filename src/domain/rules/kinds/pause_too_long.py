"""`pause_too_long`: one non-compliant pause was longer than allowed."""

from collections.abc import Iterator
from functools import partial
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from domain import wording
from domain.recording import Pause
from domain.rules.call import Call
from domain.rules.condition import Condition, Match
from domain.rules.violation import Finding


class LongPause(Finding):
    title: ClassVar = "Pause too long"
    merges: ClassVar = True

    kind: Literal["pause_too_long"] = "pause_too_long"
    start_ms: int
    end_ms: int
    duration_ms: int
    limit_ms: int
    after_dialogue_id: int | None = None

    @classmethod
    def of(cls, pause: Pause, limit_ms: int) -> "LongPause":
        return cls(
            start_ms=pause.start_ms,
            end_ms=pause.end_ms,
            duration_ms=pause.duration_ms,
            limit_ms=limit_ms,
            after_dialogue_id=pause.after_dialogue_id,
        )

    @property
    def subject(self) -> str:
        return _subject(self.start_ms, self.end_ms)

    @property
    def detail(self) -> str:
        """`7.0 s at 1:35`"""
        return f"{wording.duration(self.duration_ms)} at {wording.position(self.start_ms)}"

    @property
    def measure(self) -> str:
        """`limit 5.0 s`"""
        return f"limit {wording.duration(self.limit_ms)}"

    @classmethod
    def headline(cls, count: int, /) -> str:
        return f"{wording.counted(count, 'pause', 'pauses')} too long"


class PauseTooLong(Condition):
    """A pause was not compliant and longer than `longer_than_ms`. A pause of exactly that length does not alert."""

    finding = LongPause
    looks_at = "broken_pauses"

    when: Literal["pause_too_long"]
    longer_than_ms: Annotated[int, Field(ge=0)]

    def matches(self, call: Call) -> Iterator[Match]:
        limit_ms = self.longer_than_ms
        for pause in call.broken_pauses:
            if pause.duration_ms > limit_ms:
                found = partial(LongPause.of, pause, limit_ms)
                yield _subject(pause.start_ms, pause.end_ms), found


def _subject(start_ms: int, end_ms: int) -> str:
    return f"pause:{start_ms}-{end_ms}"
