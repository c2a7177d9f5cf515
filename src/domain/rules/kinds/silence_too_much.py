"""`silence_too_much`: all non-compliant pauses together were longer than allowed."""

from collections.abc import Iterator
from functools import partial
from typing import Annotated, ClassVar, Final, Literal

from pydantic import Field, model_validator

from domain import wording
from domain.rules.call import Call
from domain.rules.condition import Condition, Fact, Match, refused
from domain.rules.violation import Finding, is_none

_SUBJECT: Final = "silence"


class MuchSilence(Finding):
    """`silence_ms` is the length of the non-compliant pauses together, `pauses` their number.

    Where the limit is a share of the recording's length: `limit_share` (0 to 1) and `duration_ms`.
    """

    title: ClassVar = "Too much silence"

    kind: Literal["silence_too_much"] = "silence_too_much"
    silence_ms: int
    pauses: int
    limit_ms: int
    limit_share: Annotated[float | None, Field(exclude_if=is_none)] = None
    duration_ms: Annotated[int | None, Field(exclude_if=is_none)] = None

    @property
    def subject(self) -> str:
        return _SUBJECT

    @property
    def detail(self) -> str:
        """`12.5 s in 3 pauses`"""
        return f"{wording.duration(self.silence_ms)} in {wording.counted(self.pauses, 'pause', 'pauses')}"

    @property
    def measure(self) -> str:
        """`limit 10.0 s`, or `limit 25% of 4 min 5.0 s`"""
        if self.limit_share is None or self.duration_ms is None:
            return f"limit {wording.duration(self.limit_ms)}"
        return f"limit {wording.share(self.limit_share)} of {wording.duration(self.duration_ms)}"

    @classmethod
    def headline(cls, _count: int, /) -> str:
        return "too much silence"  # A call has one subject of this kind: there is nothing to count.


class SilenceTooMuch(Condition):
    """All non-compliant pauses together are longer than `longer_than_ms`, or than this share of the recording.

    Exactly that length does not alert.
    """

    finding = MuchSilence
    looks_at = "broken_pauses"
    later = frozenset({"longer_than_ms", "share_above"})

    when: Literal["silence_too_much"]
    longer_than_ms: Annotated[int, Field(ge=0)] | None = None
    share_above: Annotated[float, Field(ge=0, le=1)] | None = None

    @model_validator(mode="after")
    def _has_one_limit(self) -> "SilenceTooMuch":
        if (self.longer_than_ms is None) == (self.share_above is None):
            raise refused("give one limit: longer_than_ms or share_above", "longer_than_ms")
        return self

    @property
    def needs(self) -> Fact:
        return Fact.NONE if self.share_above is None else Fact.DETAILS

    def matches(self, call: Call) -> Iterator[Match]:
        pauses, silence_ms = call.broken_pauses, 0
        for pause in pauses:  # Most calls have few: a loop costs half of `sum`.
            silence_ms += pause.duration_ms
        if self.longer_than_ms is not None:
            if silence_ms > self.longer_than_ms:
                found = partial(MuchSilence, silence_ms=silence_ms, pauses=len(pauses))
                yield _SUBJECT, partial(found, limit_ms=self.longer_than_ms)
        elif self.share_above is not None and silence_ms > 0:  # Without silence no length is needed.
            duration_ms, share = call.duration_ms, self.share_above
            if silence_ms > share * duration_ms:
                limit_ms = int(share * duration_ms)
                found = partial(MuchSilence, silence_ms=silence_ms, pauses=len(pauses), limit_ms=limit_ms)
                yield _SUBJECT, partial(found, limit_share=share, duration_ms=duration_ms)
