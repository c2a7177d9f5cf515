"""The rules document that operators write: its shape, its parser, and the default rules."""

import hashlib
from functools import cached_property
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from domain.errors import RulesInvalid
from domain.rules.kinds import AnyRule
from domain.rules.kinds.goal_unmet import GoalUnmet
from domain.rules.kinds.pause_too_long import PauseTooLong
from domain.rules.violation import Severity

_ERRORS_SHOWN: Final = 20


class RuleSet(BaseModel):
    """The rules document. `version` is the schema's, not the operator's."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    version: Literal[1]
    rules: Annotated[tuple[AnyRule, ...], Field(strict=False, max_length=50)]

    @model_validator(mode="after")
    def _ids_are_unique(self) -> "RuleSet":
        ids = [rule.id for rule in self.rules]
        repeated = sorted({rule_id for rule_id in ids if ids.count(rule_id) > 1})
        if repeated:
            raise ValueError(f"rule ids must be unique; used more than once: {', '.join(repeated)}")
        return self

    @cached_property
    def digest(self) -> str:
        """Identifies the rules in force: the outcome's `rules_version`."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:16]

    @cached_property
    def reads_goals(self) -> bool:
        """Whether an enabled rule needs the goals, so that judging waits until the vendor has evaluated them."""
        return any(rule.enabled and rule.needs_goals for rule in self.rules)


def default_rules(max_pause_ms: int) -> RuleSet:
    """In force while no `rules` document is stored: any goal unmet, any non-compliant pause over the limit."""
    return RuleSet(
        version=1,
        rules=(
            GoalUnmet(id="unmet-goal", when="goal_unmet", severity=Severity.WARNING),
            PauseTooLong(
                id="long-pause", when="pause_too_long", longer_than_ms=max_pause_ms, severity=Severity.WARNING
            ),
        ),
    )


def parse_rules(document: str) -> RuleSet:
    """Read the stored `rules` document. Raises `RulesInvalid`, which names every error; no part of it is used then."""
    try:
        return RuleSet.model_validate_json(document)
    except ValidationError as invalid:
        errors = [
            f"{'.'.join(str(part) for part in error['loc']) or 'document'}: {error['msg']}"
            for error in invalid.errors(include_url=False, include_input=False)
        ]
        more = f"; and {len(errors) - _ERRORS_SHOWN} more" if len(errors) > _ERRORS_SHOWN else ""
        raise RulesInvalid(
            "The `rules` document is refused as a whole; nothing is judged until it is corrected. "
            + "; ".join(errors[:_ERRORS_SHOWN])
            + more
        ) from None
