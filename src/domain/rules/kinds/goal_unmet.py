"""`goal_unmet`: the call did not reach a goal."""

from collections.abc import Iterator
from functools import cached_property, partial
from typing import Annotated, ClassVar, Final, Literal

from pydantic import Field

from domain import wording
from domain.recording import Goal
from domain.rules.call import Call
from domain.rules.condition import Condition, Fact, Match, Named, folded, named
from domain.rules.violation import Finding

_NAME: Final = 120
_EXPLANATION: Final = 300


class UnmetGoal(Finding):
    """`score` is the vendor's, 0 to 1. Name and explanation are cut."""

    title: ClassVar = "Goal not met"
    merges: ClassVar = True

    kind: Literal["goal_unmet"] = "goal_unmet"
    goal_id: int
    goal_name: str
    score: float
    explanation: str | None = None

    @classmethod
    def of(cls, goal: Goal) -> "UnmetGoal":
        return cls(
            goal_id=goal.goal_id,
            goal_name=wording.cut(wording.clean(goal.goal_name), _NAME),
            score=goal.score,
            explanation=wording.cut(wording.clean(goal.explanation or ""), _EXPLANATION) or None,
        )

    @property
    def subject(self) -> str:
        return _subject(self.goal_id)

    @property
    def detail(self) -> str:
        return self.goal_name or f"goal {self.goal_id}"

    @property
    def measure(self) -> str:
        return f"score {wording.score(self.score)}"

    @property
    def quote(self) -> str | None:
        return self.explanation

    @classmethod
    def headline(cls, count: int, /) -> str:
        return f"{wording.counted(count, 'goal', 'goals')} not met"


class GoalUnmet(Condition):
    """A goal was not met: any goal, or one named by `goal_ids` or `goal_names` (names ignore case).

    `score_below` narrows it to goals whose score, 0 to 1, is lower than that.
    """

    finding = UnmetGoal
    looks_at = "unmet_goals"

    when: Literal["goal_unmet"]
    goal_ids: Annotated[tuple[int, ...], Field(strict=False, min_length=1)] | None = None
    goal_names: Annotated[tuple[str, ...], Field(strict=False, min_length=1)] | None = None
    score_below: Annotated[float, Field(gt=0, le=1)] | None = None

    @property
    def needs(self) -> Fact:
        return Fact.GOALS

    @property
    def named_goals(self) -> Named:
        return named(self.goal_ids, self.goal_names)

    def matches(self, call: Call) -> Iterator[Match]:
        for goal in call.unmet_goals:
            if not self._watches(goal):
                continue
            if self.score_below is None or goal.score < self.score_below:
                yield _subject(goal.goal_id), partial(UnmetGoal.of, goal)

    def _watches(self, goal: Goal) -> bool:
        if self.goal_ids is None and self.goal_names is None:
            return True
        return goal.goal_id in (self.goal_ids or ()) or folded(goal.goal_name) in self._names

    @cached_property
    def _names(self) -> frozenset[str]:
        return frozenset(map(folded, self.goal_names or ()))


def _subject(goal_id: int) -> str:
    return f"goal:{goal_id}"
