"""A broken rule with its evidence: one for each rule and subject (a goal or a pause)."""

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from domain import wording
from domain.recording import Goal, Pause

_NAME_SHOWN: Final = 120
_HASH_DIGITS: Final = 12


class Severity(StrEnum):
    """In the order of urgency, least first."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"

    @property
    def urgency(self) -> int:
        return list(Severity).index(self)


@dataclass(frozen=True, slots=True)
class UnmetGoal:
    goal: Goal

    @property
    def subject(self) -> str:
        return f"goal:{self.goal.goal_id}"

    @property
    def summary(self) -> str:
        """`Goal not met: Offer Follow-up, score 0.30`"""
        name = wording.cut(wording.clean(self.goal.goal_name), _NAME_SHOWN) or f"goal {self.goal.goal_id}"
        return f"Goal not met: {name}, score {wording.score(self.goal.score)}"


@dataclass(frozen=True, slots=True)
class LongPause:
    pause: Pause
    limit_ms: int

    @property
    def subject(self) -> str:
        return f"pause:{self.pause.start_ms}-{self.pause.end_ms}"

    @property
    def summary(self) -> str:
        """`Pause too long: 7.0 s at 1:35, limit 5.0 s`"""
        length, limit = wording.duration(self.pause.duration_ms), wording.duration(self.limit_ms)
        return f"Pause too long: {length} at {wording.position(self.pause.start_ms)}, limit {limit}"


Finding = UnmetGoal | LongPause


@dataclass(frozen=True, slots=True)
class Violation:
    rule_id: str
    severity: Severity
    finding: Finding

    @property
    def subject(self) -> str:
        """`goal:<goal_id>` or `pause:<start_ms>-<end_ms>`."""
        return self.finding.subject

    @property
    def summary(self) -> str:
        return self.finding.summary

    @property
    def fingerprint(self) -> str:
        """The short hash by which a violation counts as alerted: rule and subject, whatever the wording or score."""
        return hashlib.sha256(f"{self.rule_id}\n{self.subject}".encode()).hexdigest()[:_HASH_DIGITS]
