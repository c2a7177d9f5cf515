"""What `all` and `any` share: their conditions, judged one by one, and the finding made of what each found."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Annotated, Any, Final, Self

from pydantic import BaseModel, Field

from domain import wording
from domain.rules.call import Call, FactMissing
from domain.rules.condition import Condition, Fact, Match, Named
from domain.rules.kinds.simple import SimpleCondition, SimpleFinding
from domain.rules.violation import Finding

CALL: Final = "call"
"""The subject of what several conditions say together."""
_PART: Final = 200
_PARTS: Final = 500
_QUOTES: Final = 300


class Part(BaseModel):
    """What one condition found, as far as one finding shows it."""

    model_config = Finding.model_config

    summary: str
    evidence: SimpleFinding


class CombinedFinding(Finding):
    """`of`: a part for each condition that the call meets, in the order of the rule."""

    of: tuple[Part, ...]

    @classmethod
    def parts(cls, findings: Sequence[Finding]) -> tuple[Part, ...]:
        return tuple(Part(summary=wording.cut(each.summary, _PART), evidence=each) for each in findings)

    @classmethod
    def made_of(cls, matches: Sequence[Match]) -> Self:
        return cls(of=cls.parts([finding() for _, finding in matches]))

    @property
    def subject(self) -> str:
        return CALL

    @property
    def detail(self) -> str:
        """`Goal not met: Verify identity, score 0.30; Pause too long: 7.0 s at 1:35, limit 5.0 s`"""
        return wording.cut("; ".join(part.summary for part in self.of), _PARTS)

    @property
    def measure(self) -> str:
        return wording.counted(len(self.of), "condition met", "conditions met")

    @property
    def summary(self) -> str:
        return f"{self.title}: {self.detail}"

    @property
    def quote(self) -> str | None:
        quotes = [part.evidence.quote for part in self.of if part.evidence.quote]
        return wording.cut(" · ".join(quotes), _QUOTES) or None


@dataclass(frozen=True, slots=True)
class Parts:
    """The first match of each condition that is met; how many are certainly not; what keeps the rest unjudged."""

    met: list[Match]
    unmet: int
    missing: FactMissing | None


class Combination(Condition):
    """Two to eight conditions of the simple kinds."""

    of: Annotated[tuple[SimpleCondition, ...], Field(strict=False, min_length=2, max_length=8)]

    @property
    def needs(self) -> Fact:
        return reduce(or_, (condition.needs for condition in self.of))

    @property
    def named_goals(self) -> Named:
        return {key: name for part in self.of for key, name in part.named_goals.items()}

    @property
    def named_keywords(self) -> Named:
        return {key: name for part in self.of for key, name in part.named_keywords.items()}

    def written(self) -> dict[str, Any]:
        return super().written() | {"of": [condition.written() for condition in self.of]}

    def _parts(self, call: Call) -> Parts:
        """Every condition is judged, whatever the others say: a malformed body raises in any order."""
        met: list[Match] = []
        unmet, missing = 0, None
        for condition in self.of:
            try:
                first = next(condition.matches(call), None)
            except FactMissing as error:
                missing = error
                continue
            if first is None:
                unmet += 1
            else:
                met.append(first)
        return Parts(met, unmet, missing)
