"""The states of each recording over time."""

import hashlib
import json
from bisect import bisect_right
from dataclasses import dataclass, field
from enum import Enum, auto
from functools import cached_property
from typing import Any, Final

LENGTH_MS: Final = 312_000
"""Of each recording."""
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

    @property
    def language(self) -> str | None:
        """As its details tell it, if they do."""
        return ("de-DE", None, "en")[self.number % 3]

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
