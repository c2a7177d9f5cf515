"""`silence_too_much`: all non-compliant pauses together were longer than allowed."""

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from domain import wording
from domain.rules.call import Call
from domain.rules.condition import Condition
from domain.rules.violation import Finding


class MuchSilence(Finding):
    """`silence_ms` is the length of the non-compliant pauses together, `pauses` their number."""

    title: ClassVar = "Too much silence"

    kind: Literal["silence_too_much"] = "silence_too_much"
    silence_ms: int
    pauses: int
    limit_ms: int

    @property
    def subject(self) -> str:
        return "silence"

    @property
    def detail(self) -> str:
        """`12.5 s in 3 pauses`"""
        return f"{wording.duration(self.silence_ms)} in {wording.counted(self.pauses, 'pause', 'pauses')}"

    @property
    def measure(self) -> str:
        """`limit 10.0 s`"""
        return f"limit {wording.duration(self.limit_ms)}"

    @classmethod
    def headline(cls, _count: int, /) -> str:
        return "too much silence"  # A call has one subject of this kind: there is nothing to count.


class SilenceTooMuch(Condition):
    """All non-compliant pauses together are longer than `longer_than_ms`. Exactly that length does not alert."""

    finding = MuchSilence

    when: Literal["silence_too_much"]
    longer_than_ms: Annotated[int, Field(ge=0)]

    def findings(self, call: Call) -> Iterator[MuchSilence]:
        lengths_ms = [pause.duration_ms for pause in call.results.pauses if not pause.compliant]
        if sum(lengths_ms) > self.longer_than_ms:
            yield MuchSilence(silence_ms=sum(lengths_ms), pauses=len(lengths_ms), limit_ms=self.longer_than_ms)
