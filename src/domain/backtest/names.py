"""Goals and keywords that rules name, and which of them no results have: misspelt, or renamed at the vendor."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from domain.rules.call import Call, FactMissing
from domain.rules.condition import folded
from domain.rules.document import RuleSet
from domain.rules.rule import Mode

_REMEMBERED = 10_000


@dataclass(slots=True)
class _Wanted:
    """Names not seen yet, and those of the results that were looked at already."""

    left: set[int | str]
    looked_at: set[int | str] = field(default_factory=set)

    def see(self, number: int, name: str) -> None:
        if name in self.looked_at and number in self.looked_at:
            return
        self.left -= {number, folded(name)}
        if len(self.looked_at) < _REMEMBERED:
            self.looked_at |= {number, name}


@dataclass(frozen=True, slots=True)
class NamesLeft:
    """Ids and folded names that no call has had."""

    goals: frozenset[int | str]
    keywords: frozenset[int | str]


class NamesSeen:
    """`see` every call; `unseen` then tells for each rule the goals and the keywords that no call has."""

    def __init__(self, rules: RuleSet) -> None:
        judged = [rule for rule in rules.rules if rule.in_mode is not Mode.OFF]
        self._named = {rule.id: (rule.condition.named_goals, rule.condition.named_keywords) for rule in judged}
        self._goals = _Wanted({name for goals, _ in self._named.values() for name in goals})
        self._keywords = _Wanted({name for _, keywords in self._named.values() for name in keywords})

    def see(self, call: Call) -> None:
        if self._goals.left:
            for goal in call.results.goals:
                self._goals.see(goal.goal_id, goal.goal_name)
        if self._keywords.left:
            try:
                keywords = call.keywords
            except FactMissing:
                return
            for keyword in keywords:
                self._keywords.see(keyword.keyword_id, keyword.keyword_name)

    @property
    def left(self) -> NamesLeft:
        return NamesLeft(frozenset(self._goals.left), frozenset(self._keywords.left))

    def merge(self, left: NamesLeft) -> None:
        """Other calls were seen too, and left these."""
        self._goals.left &= left.goals
        self._keywords.left &= left.keywords

    def unseen(self) -> Iterator[tuple[str, tuple[int | str, ...], tuple[int | str, ...]]]:
        """Rule id, goals and keywords, as the document writes them; only rules with some."""
        for rule_id, (goals, keywords) in self._named.items():
            no_goals = tuple(goals[each] for each in goals if each in self._goals.left)
            no_keywords = tuple(keywords[each] for each in keywords if each in self._keywords.left)
            if no_goals or no_keywords:
                yield rule_id, no_goals, no_keywords
