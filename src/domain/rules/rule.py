"""A rule: a condition under a name, with what follows where a call meets it.

In the document both are one object: `{"id": …, "severity": …, "when": "goal_unmet", "score_below": 0.5}`.
"""

from collections.abc import Iterator
from enum import StrEnum
from functools import partial
from typing import Annotated, Any, ClassVar, Final

from pydantic import BaseModel, ConfigDict, Field, model_validator

from domain.rules.call import Call, FactMissing
from domain.rules.condition import Condition, Fact, Match, refused, written
from domain.rules.kinds.any_kind import AnyCondition
from domain.rules.scope import Scope
from domain.rules.violation import Severity, Violation

CONDITION: Final = "condition"
"""The field that no document has: the fields of the kind stand beside the rule's own."""
LONGEST_HELP: Final = 200


class Mode(StrEnum):
    LIVE = "live"
    SHADOW = "shadow"
    """Judged, stored and counted, never alerted."""
    OFF = "off"


class Rule(BaseModel):
    """`help` tells a supervisor what to do. `enabled: false` is `mode: off`, as earlier releases wrote it."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", defer_build=True)

    later: ClassVar = frozenset({"mode", "scope", "help"})

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")]
    severity: Annotated[Severity, Field(strict=False)]
    enabled: bool = True
    mode: Annotated[Mode, Field(strict=False)] | None = None
    scope: Scope | None = None
    help: Annotated[str, Field(min_length=1, max_length=LONGEST_HELP)] | None = None
    condition: AnyCondition

    @model_validator(mode="before")
    @classmethod
    def _part(cls, given: Any) -> Any:
        """Part a rule of a document into its own fields and those of its condition."""
        if not isinstance(given, dict) or isinstance(given.get(CONDITION), Condition):
            return given
        own = cls.model_fields.keys() - {CONDITION}
        parted: dict[str, Any] = {CONDITION: {}}
        for name, value in given.items():
            (parted if name in own else parted[CONDITION])[name] = value
        return parted

    @model_validator(mode="after")
    def _has_one_mode(self) -> "Rule":
        if not self.enabled and self.mode not in {None, Mode.OFF}:
            raise refused(f"enabled is false and mode is {self.mode}: leave one of them out", "mode")
        return self

    @property
    def in_mode(self) -> Mode:
        return (self.mode or Mode.LIVE) if self.enabled else Mode.OFF

    @property
    def needs(self) -> Fact:
        """The facts that it takes to judge by it."""
        return self.condition.needs | (Fact.DETAILS if self.scope else Fact.NONE)

    def violations(self, call: Call) -> Iterator[Violation]:
        """Everything that breaks it, if the recording is in scope. Raises as `Condition.matches` does."""
        # No generator: every clear call would pay for one.
        return map(partial(self._violation, self.scope_unknown(call)), self.matches(call))

    def matches(self, call: Call) -> Iterator[Match]:
        """What `violations` is made of."""
        return self.condition.matches(call) if self.scope is None else self._matches_within(self.scope, call)

    def scope_unknown(self, call: Call) -> tuple[str, ...]:
        """The fields of the scope that the recording's details leave open."""
        if self.scope is None or call.details is None:
            return ()
        return self.scope.unknown(call.details) or ()

    def _violation(self, unknown: tuple[str, ...], match: Match) -> Violation:
        return Violation(self.id, self.severity, match[1](), self.help, unknown)

    def _matches_within(self, scope: Scope, call: Call) -> Iterator[Match]:
        if call.details and scope.unknown(call.details) is None:
            return
        for match in self.condition.matches(call):
            if not call.details:
                raise FactMissing("the recording's details")
            yield match

    def written(self) -> dict[str, Any]:
        """As a document has it: its own fields, then those of its condition."""
        own = written(self, self.later)
        if self.scope:
            own["scope"] = self.scope.written()
        return {name: value for name, value in own.items() if name != CONDITION} | self.condition.written()
