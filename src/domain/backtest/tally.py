"""What is counted in a backtest: for each rule, for each way not to be judged, for the supervisors' verdicts."""

from array import array
from collections import Counter
from dataclasses import dataclass, field

from domain.backtest.stored import NotJudged


@dataclass(slots=True)
class RuleTally:
    """Calls in which one rule fires by the new document (`now`) and by the old one (`before`).

    `new` fire only now, `gone` only before; `changed` fire in both, about other subjects. Where one side could not be
    judged, a call is none of these: `unjudged` and `unjudged_before` say what was missing. `scope_unknown` fire now,
    and the recording leaves their scope open. The ids of `new` and `gone` are kept where they are asked for.
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
    new_ids: "array[int]" = field(default_factory=lambda: array("q"))
    gone_ids: "array[int]" = field(default_factory=lambda: array("q"))


@dataclass(slots=True)
class Tally:
    """`outcomes` were read, `judged` of them could be. Alerts are calls in which a live rule fires.

    `first_at` is the earliest time of a judgement, ISO 8601; empty without one.
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
