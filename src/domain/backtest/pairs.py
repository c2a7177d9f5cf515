"""The rules of two documents side by side, and the questions that they ask of every call."""

from dataclasses import dataclass
from typing import Final

from pydantic_core import to_json

from domain.backtest.tally import RuleTally
from domain.rules.document import RuleSet
from domain.rules.judge import Question
from domain.rules.rule import Mode, Rule


@dataclass(frozen=True, slots=True)
class Side:
    """A rule in one of the documents; `None` where it has none. `place`: of its answer among all answers."""

    rule: Rule | None
    place: int
    live: bool


ABSENT: Final = Side(None, -1, live=False)
"""After all answers stands that of a rule which is not there."""


@dataclass(frozen=True, slots=True)
class Pair:
    """One rule id, in both documents."""

    rule_id: str
    tally: RuleTally
    now: Side
    before: Side

    @property
    def may_lose(self) -> bool:
        """Whether the new document may miss what the old one alerts."""
        return self.before.live and not (self.now.live and self.now.place == self.before.place)


def paired(now: RuleSet, before: RuleSet) -> tuple[list[Pair], list[Question]]:
    """The rules that are judged, by id. What both documents ask is asked once."""
    questions: list[Question] = []
    places: dict[bytes, int] = {}

    def sides(rules: RuleSet) -> dict[str, Side]:
        found = {}
        for rule in (each for each in rules.rules if each.in_mode is not Mode.OFF):
            asks = to_json([rule.condition.written(), rule.scope.written() if rule.scope else None])
            if asks not in places:
                places[asks] = len(questions)
                questions.append(Question(rule))
            found[rule.id] = Side(rule, places[asks], live=rule.in_mode is Mode.LIVE)
        return found

    new, old = sides(now), sides(before)
    pairs = [Pair(each, RuleTally(), new.get(each, ABSENT), old.get(each, ABSENT)) for each in new | old]
    return pairs, questions
