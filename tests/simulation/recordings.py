"""The states of each recording over time, and the violations that each rules document finds in them.

The judgement is written independently of the product's, so that each checks the other.
"""

import hashlib
import json
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import Enum, auto
from functools import cached_property
from typing import Any, Final

MAX_PAUSE_MS: Final = 5_000
SPOKEN: Final = "SPOKEN-WORDS"
"""Part of every explanation; must be in no log line."""


class Kind(Enum):
    ABSENT = auto()
    """404"""
    PENDING = auto()
    """422, and the details say that it is being processed."""
    FAILED = auto()
    """422, and the details say so."""
    GOALS_PENDING = auto()
    """Results without goals, which the details say are not evaluated."""
    READY = auto()


@dataclass(frozen=True)
class Goal:
    goal_id: int
    met: bool
    score: float


@dataclass(frozen=True)
class Pause:
    start_ms: int
    duration_ms: int
    compliant: bool


@dataclass(frozen=True)
class State:
    """A recording from `at_ms` on; `hasty`: or right after somebody has read the state before it, if that is sooner."""

    at_ms: int
    kind: Kind
    goals: tuple[Goal, ...] = ()
    pauses: tuple[Pause, ...] = ()
    hasty: bool = False

    @property
    def judgeable(self) -> bool:
        return self.kind in {Kind.READY, Kind.GOALS_PENDING}


@dataclass(frozen=True)
class Recording:
    number: int
    """Its place in the scenario."""
    recording_id: int
    uuid: str
    states: tuple[State, ...]
    broken: str = ""
    """A permanent fault of its answers: "400" or "wrong types"."""
    unreadable: bool = False
    """Its outcome is one that another release wrote."""
    _bodies: dict[int, bytes] = field(default_factory=dict)
    _digests: dict[int, str] = field(default_factory=dict)

    @cached_property
    def _times(self) -> list[int]:
        return [state.at_ms for state in self.states]

    def hasten(self, now_ms: int, at_ms: int) -> int | None:
        """Somebody reads it. If its next state is hasty, have it begin at `at_ms`; that state's index."""
        following = self.index_at(now_ms) + 1
        if following >= len(self.states) or not self.states[following].hasty or self._times[following] <= at_ms:
            return None
        self._times[following] = at_ms
        return following

    def index_at(self, at_ms: int) -> int:
        """Which state it is in; -1 before the first, which counts as absent."""
        return bisect_right(self._times, at_ms) - 1

    def results_since(self, at_ms: int) -> int | None:
        """Since when it has had results without a break; `None` where it has none. The list shows it as completed."""
        index = self.index_at(at_ms)
        since_ms = None
        while index >= 0 and self.states[index].judgeable:
            since_ms = self._times[index]
            index -= 1
        return since_ms

    def kind_at(self, at_ms: int) -> Kind:
        index = self.index_at(at_ms)
        return self.states[index].kind if index >= 0 else Kind.ABSENT

    def results(self, index: int) -> dict[str, Any]:
        """`data` of `GET /recordings/:id/results` in a state."""
        state = self.states[index]
        return {
            "recording_id": self.recording_id,
            "goals": [
                {
                    "goal_id": goal.goal_id,
                    "goal_name": f"Goal {goal.goal_id}",
                    "met": goal.met,
                    "score": goal.score,
                    "explanation": f"{SPOKEN} about goal {goal.goal_id}",
                }
                for goal in state.goals
            ],
            "pauses": [
                {
                    "start_ms": pause.start_ms,
                    "end_ms": pause.start_ms + pause.duration_ms,
                    "duration_ms": pause.duration_ms,
                    "compliant": pause.compliant,
                    "after_dialogue_id": None,
                }
                for pause in state.pauses
            ],
        }

    def body(self, index: int) -> bytes:
        if index not in self._bodies:
            self._bodies[index] = json.dumps({"data": self.results(index)}).encode()
        return self._bodies[index]

    def digest(self, index: int) -> str:
        """What `results_digest` must be for this state."""
        if index not in self._digests:
            self._digests[index] = self._digest(index)
        return self._digests[index]

    def _digest(self, index: int) -> str:
        results = self.results(index)
        goals = [{name: goal[name] for name in goal if name != "explanation"} for goal in results["goals"]]
        facts = {"goals": goals, "pauses": results["pauses"], "keywords": []}
        return "2:" + hashlib.sha256(json.dumps(facts, separators=(",", ":")).encode()).hexdigest()


# ── rules ──

Document = dict[str, Any]

DEFAULT_RULES: Final[Document] = {
    "version": 1,
    "rules": [
        {"id": "unmet-goal", "when": "goal_unmet", "severity": "warning"},
        {"id": "long-pause", "when": "pause_too_long", "longer_than_ms": MAX_PAUSE_MS, "severity": "warning"},
    ],
}
DOCUMENTS: Final[tuple[Document, ...]] = (
    DEFAULT_RULES,
    {"version": 1, "rules": [{"id": "weak-goal", "when": "goal_unmet", "severity": "critical", "score_below": 0.4}]},
    {
        "version": 1,
        "rules": [
            {"id": "pauses", "when": "pause_too_long", "longer_than_ms": 3000, "severity": "info"},
            {"id": "silence", "when": "silence_too_much", "longer_than_ms": 7000, "severity": "info"},
        ],
    },
    {
        "version": 1,
        "rules": [
            {"id": "unmet-goal", "when": "goal_unmet", "severity": "critical", "goal_ids": [1, 3]},
            {"id": "long-pause", "when": "pause_too_long", "longer_than_ms": 7000, "severity": "info"},
            {"id": "off", "when": "goal_unmet", "severity": "info", "enabled": False},
        ],
    },
)
INVALID_DOCUMENTS: Final = ("{", '{"version": 2, "rules": []}', '{"version": 1, "rules": [{"id": "x", "when": "?"}]}')


def reads_goals(document: Document) -> bool:
    return any(rule["when"] == "goal_unmet" and rule.get("enabled", True) for rule in document["rules"])


def violations(state: State, document: Document) -> frozenset[tuple[str, str]]:
    """Rule id and subject of everything the document finds in a state."""
    return frozenset(
        (rule["id"], subject)
        for rule in document["rules"]
        if rule.get("enabled", True)
        for subject in _SUBJECTS[rule["when"]](state, rule)
    )


def _goal_unmet(state: State, rule: Document) -> Iterator[str]:
    for goal in state.goals:
        watched = goal.goal_id in rule.get("goal_ids", [goal.goal_id])
        if not goal.met and watched and goal.score < rule.get("score_below", 2):
            yield f"goal:{goal.goal_id}"


def _pause_too_long(state: State, rule: Document) -> Iterator[str]:
    for pause in state.pauses:
        if not pause.compliant and pause.duration_ms > rule["longer_than_ms"]:
            yield f"pause:{pause.start_ms}-{pause.start_ms + pause.duration_ms}"


def _silence_too_much(state: State, rule: Document) -> Iterator[str]:
    if sum(pause.duration_ms for pause in state.pauses if not pause.compliant) > rule["longer_than_ms"]:
        yield "silence"


_SUBJECTS: Final[dict[str, Callable[[State, Document], Iterator[str]]]] = {
    "goal_unmet": _goal_unmet,
    "pause_too_long": _pause_too_long,
    "silence_too_much": _silence_too_much,
}
