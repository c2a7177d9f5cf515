"""`all`: the call meets every one of several conditions."""

from collections.abc import Iterator
from functools import partial
from typing import ClassVar, Literal

from domain.rules.call import Call
from domain.rules.condition import Match
from domain.rules.kinds.combined import CALL, Combination, CombinedFinding


class AllMet(CombinedFinding):
    title: ClassVar = "All of these"

    kind: Literal["all"] = "all"

    @classmethod
    def headline(cls, _count: int, /) -> str:
        return "several conditions at once"


class AllOf(Combination):
    """The call meets every condition of `of`. If it certainly misses one, the others need not be judged."""

    finding = AllMet

    when: Literal["all"]

    def matches(self, call: Call) -> Iterator[Match]:
        parts = self._parts(call)
        if parts.unmet:
            return
        if parts.missing:
            raise parts.missing
        yield CALL, partial(AllMet.made_of, parts.met)
