"""What is counted in a backtest: for each rule, for each way not to be judged, for the supervisors' verdicts."""

from collections import Counter
from dataclasses import dataclass, field, fields
from typing import Any

from domain.backtest.stored import NotJudged


@dataclass(slots=True)
class RuleTally:
    """Calls in which one rule fires by the new document (`now`) and by the old one (`before`).

    `new` fire only now, `gone` only before; `changed` fire in both, about other subjects. Where one side could not be
    judged, a call is none of these: `unjudged` and `unjudged_before` say what was missing. `scope_unknown` fire now,
    and the recording leaves their scope open.
    """

    now: int = 0
    before: int = 0
    new: int = 0
    gone: int = 0
    changed: int = 0
    scope_unknown: int = 0
    unjudged: Counter[str] = field(default_factory=Counter)
    unjudged_before: Counter[str] = field(default_factory=Counter)
    false_alarms_removed: int = 0
    confirmed_lost: int = 0

    def merge(self, other: "RuleTally") -> None:
        _merge_counts(self, other)


@dataclass(slots=True)
class Tally:
    """`outcomes` were read, `judged` of them could be. Alerts are calls in which a live rule fires.

    `first_at` is the earliest time of a judgement, ISO 8601; empty without one. Its JSON is pydantic's.
    """

    outcomes: int = 0
    judged: int = 0
    alerts_now: int = 0
    alerts_before: int = 0
    first_at: str = ""
    not_judged: Counter[NotJudged] = field(default_factory=Counter)
    rules: dict[str, RuleTally] = field(default_factory=dict)

    @property
    def false_alarms_removed(self) -> int:
        return sum(rule.false_alarms_removed for rule in self.rules.values())

    @property
    def confirmed_lost(self) -> int:
        return sum(rule.confirmed_lost for rule in self.rules.values())

    def merge(self, other: "Tally") -> None:
        """Add what was counted in other calls by the same documents."""
        _merge_counts(self, other)
        self.first_at = min(self.first_at or other.first_at, other.first_at or self.first_at)
        for rule_id, counts in other.rules.items():
            self.rules.setdefault(rule_id, RuleTally()).merge(counts)


def _merge_counts(into: Any, other: Any) -> None:
    """Add every number and every counter of one dataclass to those of another."""
    for name in (each.name for each in fields(into)):
        match getattr(other, name):
            case int() as number:
                setattr(into, name, getattr(into, name) + number)
            case Counter() as numbers:
                getattr(into, name).update(numbers)
