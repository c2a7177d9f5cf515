"""The alert rules: what each kind looks for, the document operators write, and the judgement.

A new kind is one class here: its fields, its `when`, and `findings`, a pure function of the results. Add it to `Rule`.
A rule that cannot judge raises; it never counts as "no violation".
"""

import hashlib
from collections.abc import Iterator
from functools import cached_property
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from domain.errors import RulesInvalid, Unusable
from domain.recording import MAX_FINDINGS, Results
from domain.rules.violation import Finding, LongPause, Severity, UnmetGoal, Violation

_FAULTS_SHOWN: Final = 20


class _Rule(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", allow_inf_nan=False)

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")]
    severity: Annotated[Severity, Field(strict=False)]
    enabled: bool = True


class GoalUnmet(_Rule):
    """A goal was not met. By default every goal; with `goal_ids` or `goal_names` only those (either may name it; names
    ignore case), with `score_below` only where the vendor's score (0 to 1) is lower than that."""

    when: Literal["goal_unmet"]
    goal_ids: Annotated[tuple[int, ...], Field(strict=False, min_length=1)] | None = None
    goal_names: Annotated[tuple[str, ...], Field(strict=False, min_length=1)] | None = None
    score_below: Annotated[float, Field(gt=0, le=1)] | None = None

    def findings(self, results: Results) -> Iterator[Finding]:
        for goal in results.goals:
            if goal.met or not self._watches(goal.goal_id, goal.goal_name):
                continue
            if self.score_below is None or goal.score < self.score_below:
                yield UnmetGoal(goal)

    def _watches(self, goal_id: int, goal_name: str) -> bool:
        if self.goal_ids is None and self.goal_names is None:
            return True
        name = goal_name.strip().casefold()
        return goal_id in (self.goal_ids or ()) or name in {n.strip().casefold() for n in self.goal_names or ()}


class PauseTooLong(_Rule):
    """A pause was not compliant and longer than `longer_than_ms`. A pause of exactly that length does not alert."""

    when: Literal["pause_too_long"]
    longer_than_ms: Annotated[int, Field(ge=0)]

    def findings(self, results: Results) -> Iterator[Finding]:
        for pause in results.pauses:
            if not pause.compliant and pause.duration_ms > self.longer_than_ms:
                yield LongPause(pause, self.longer_than_ms)


Rule = Annotated[GoalUnmet | PauseTooLong, Field(discriminator="when")]


class RuleSet(BaseModel):
    """The rules document. `version` is the schema's, not the operator's."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    version: Literal[1]
    rules: Annotated[tuple[Rule, ...], Field(strict=False, max_length=50)]

    @model_validator(mode="after")
    def _ids_are_unique(self) -> "RuleSet":
        ids = [rule.id for rule in self.rules]
        doubled = sorted({rule_id for rule_id in ids if ids.count(rule_id) > 1})
        if doubled:
            raise ValueError(f"rule ids must be unique; used more than once: {', '.join(doubled)}")
        return self

    @cached_property
    def digest(self) -> str:
        """Names the rules in force, for the outcome's `rules_version`."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:16]

    @cached_property
    def reads_goals(self) -> bool:
        """Whether a judgement needs the goals, and so must wait until the vendor has evaluated them."""
        return any(rule.enabled and isinstance(rule, GoalUnmet) for rule in self.rules)

    def judge(self, results: Results) -> tuple[Violation, ...]:
        """Every violation once for each rule and subject, the most severe first, else in the order of the rules.

        Raises `Unusable` where there are more than any real call can have.
        """
        found: dict[tuple[str, str], Violation] = {}
        for rule in self.rules:
            if rule.enabled:
                for finding in rule.findings(results):
                    violation = Violation(rule.id, rule.severity, finding)
                    found.setdefault((rule.id, finding.subject), violation)
        if len(found) > MAX_FINDINGS:
            raise Unusable(f"Recording {results.recording_id}: more than {MAX_FINDINGS} violations in one recording.")
        return tuple(sorted(found.values(), key=lambda violation: -violation.severity.urgency))


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
    """Read the stored `rules` document. Raises `RulesInvalid` naming every fault; nothing of it is used then."""
    try:
        return RuleSet.model_validate_json(document)
    except ValidationError as error:
        faults = [
            f"{'.'.join(str(part) for part in fault['loc']) or 'document'}: {fault['msg']}"
            for fault in error.errors(include_url=False, include_input=False)
        ]
        more = f"; and {len(faults) - _FAULTS_SHOWN} more" if len(faults) > _FAULTS_SHOWN else ""
        raise RulesInvalid(
            "The `rules` document is refused as a whole; nothing is judged until it is mended. "
            + "; ".join(faults[:_FAULTS_SHOWN])
            + more
        ) from None
