"""The rules document that operators write: its shape, its parser, and the default rules."""

import hashlib
from collections import defaultdict
from functools import cached_property
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import to_json

from domain.errors import RulesInvalid
from domain.rules.condition import Fact, refused
from domain.rules.kinds.goal_unmet import GoalUnmet
from domain.rules.kinds.pause_too_long import PauseTooLong
from domain.rules.rule import Mode, Rule
from domain.rules.violation import Severity

_FAULTS_TOLD: Final = 20
_LONGEST: Final = 100_000
"""Characters. Parameter Store takes 8 KB; a document that is not minified may be longer."""


class RuleSet(BaseModel):
    """The rules document. `version` is the schema's, not the operator's. `$schema` is for editors alone."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", defer_build=True)

    editors_schema: Annotated[str | None, Field(alias="$schema", max_length=200)] = None
    version: Literal[1]
    rules: Annotated[tuple[Rule, ...], Field(strict=False, max_length=50)]

    @model_validator(mode="after")
    def _ids_are_unique(self) -> "RuleSet":
        places: dict[str, list[int]] = defaultdict(list)
        for place, rule in enumerate(self.rules):
            places[rule.id].append(place)
        if again := [f"rules[{place}].id" for rule_id in places for place in places[rule_id][1:]]:
            repeated = ", ".join(rule_id for rule_id in places if len(places[rule_id]) > 1)
            raise refused(f"ids must be unique; used more than once: {repeated}", *again)
        return self

    @cached_property
    def digest(self) -> str:
        """Identifies the rules in force: the outcome's `rules_version`."""
        return hashlib.sha256(self.written()).hexdigest()[:16]

    def written(self) -> bytes:
        """A document of these rules, as JSON."""
        return to_json({"version": self.version, "rules": [rule.written() for rule in self.rules]})

    @cached_property
    def live(self) -> tuple[Rule, ...]:
        return tuple(rule for rule in self.rules if rule.in_mode is Mode.LIVE)

    @cached_property
    def shadow(self) -> tuple[Rule, ...]:
        return tuple(rule for rule in self.rules if rule.in_mode is Mode.SHADOW)

    @cached_property
    def reads_goals(self) -> bool:
        """Whether a live rule needs the goals, so that judging waits until the vendor has evaluated them."""
        return self._needs(Fact.GOALS)

    @cached_property
    def reads_details(self) -> bool:
        """Whether a live rule needs the recording's details, so that they are fetched before judging."""
        return self._needs(Fact.DETAILS)

    def _needs(self, fact: Fact) -> bool:
        return any(fact in rule.needs for rule in self.live)


def default_rules(max_pause_ms: int) -> RuleSet:
    """In force while no `rules` document is stored: any goal unmet, any non-compliant pause over the limit."""
    goal = GoalUnmet.model_construct(when="goal_unmet")
    pause = PauseTooLong.model_construct(when="pause_too_long", longer_than_ms=max_pause_ms)
    # Not validated: a cold start under the default rules builds no model of rules.
    return RuleSet.model_construct(
        version=1,
        rules=(
            Rule.model_construct(id="unmet-goal", severity=Severity.WARNING, condition=goal),
            Rule.model_construct(id="long-pause", severity=Severity.WARNING, condition=pause),
        ),
    )


def parse_rules(document: str) -> RuleSet:
    """Read a `rules` document. Raises `RulesInvalid` with every fault; no part of the document is used then."""
    if len(document) > _LONGEST:
        raise _invalid((("document", f"has {len(document):,} characters; at most {_LONGEST:,} are read"),))
    try:
        return RuleSet.model_validate_json(document)
    except ValidationError as error:
        from domain.rules.faults import faults_of  # noqa: PLC0415 - it costs a cold start, and most never need it

        faults = faults_of(error)
    # Outside the clause: as its context, pydantic's error would show the input.
    raise _invalid(faults)


def _invalid(faults: tuple[tuple[str, str], ...]) -> RulesInvalid:
    told = "; ".join(f"{path}: {sentence}" for path, sentence in faults[:_FAULTS_TOLD])
    more = f"; and {len(faults) - _FAULTS_TOLD} more" if len(faults) > _FAULTS_TOLD else ""
    refusal = "The `rules` document is refused as a whole; nothing is judged until it is corrected."
    return RulesInvalid(f"{refusal} {told}{more}", faults)
