"""A rule: a condition under a name, with what follows where a call meets it.

In the document both are one object: `{"id": …, "severity": …, "when": "goal_unmet", "score_below": 0.5}`.
"""

from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, model_validator

from domain.rules.condition import Condition
from domain.rules.kinds import AnyCondition
from domain.rules.violation import Severity

CONDITION: Final = "condition"
"""The field that no document has: the fields of the kind stand beside the rule's own."""


class Rule(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", defer_build=True)

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")]
    severity: Annotated[Severity, Field(strict=False)]
    enabled: bool = True
    condition: AnyCondition

    @model_validator(mode="before")
    @classmethod
    def _part(cls, written: Any) -> Any:
        """Part a rule of a document into its own fields and those of its condition."""
        if not isinstance(written, dict) or isinstance(written.get(CONDITION), Condition):
            return written
        own = cls.model_fields.keys() - {CONDITION}
        parted: dict[str, Any] = {CONDITION: {}}
        for name, value in written.items():
            (parted if name in own else parted[CONDITION])[name] = value
        return parted

    def written(self) -> dict[str, Any]:
        """As a document has it: its own fields, then those of its condition."""
        own = {name: getattr(self, name) for name in type(self).model_fields if name != CONDITION}
        return own | self.condition.written()
