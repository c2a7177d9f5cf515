"""`any`: the call meets at least one of several conditions."""

from collections.abc import Iterator
from functools import partial
from typing import ClassVar, Literal

from domain.rules.call import Call
from domain.rules.condition import Match
from domain.rules.kinds.combined import CALL, Combination, CombinedFinding


class AnyMet(CombinedFinding):
    title: ClassVar = "One of several conditions"

    kind: Literal["any"] = "any"

    @classmethod
    def headline(cls, _count: int, /) -> str:
        return "one of several conditions"


class AnyOf(Combination):
    """The call meets a condition of `of`. If it certainly meets one, the others need not be judged."""

    finding = AnyMet

    when: Literal["any"]

    def matches(self, call: Call) -> Iterator[Match]:
        parts = self._parts(call)
        if parts.met:
            yield CALL, partial(AnyMet.made_of, parts.met)
        elif parts.missing:
            raise parts.missing
