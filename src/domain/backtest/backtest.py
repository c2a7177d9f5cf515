"""The comparison: stored outcomes, judged by two rules documents, one outcome after the other."""

from array import array
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Final, NamedTuple

from pydantic_core import to_json

from domain.backtest.names import NamesSeen
from domain.backtest.stored import NotJudged, StoredCall, StoredOutcome, read_call
from domain.backtest.tally import RuleTally, Tally
from domain.rules.call import FactMissing
from domain.rules.condition import Fact
from domain.rules.document import RuleSet
from domain.rules.judge import SILENT, Fired, Question
from domain.rules.rule import Mode, Rule
from domain.rules.violation import Violation, fingerprint

CONFIRMED = "confirmed"
FALSE_ALARM = "false_alarm"

Verdicts = Mapping[str, str]
"""What supervisors said of one recording's violations: `confirmed` or `false_alarm` by fingerprint."""
NO_VERDICTS: Verdicts = {}

Told = Callable[[str, bool, int, tuple[Violation, ...]], None]
"""Told of a call in which a rule fires on one side alone: the rule, if it is new, the recording, its violations."""


class _Side(NamedTuple):
    """A rule in one of the documents; `None` where it has none. `place`: of its answer among all answers."""

    rule: Rule | None
    place: int
    live: bool


_ABSENT: Final = _Side(None, -1, live=False)
"""After all answers stands that of a rule which is not there."""


class _Pair(NamedTuple):
    tally: RuleTally
    now: _Side
    before: _Side


class Backtest:
    """Add each outcome once; `tally` holds the counts. Its size does not grow with their number, but for ids kept."""

    def __init__(self, now: RuleSet, before: RuleSet, *, keep_ids: bool = False, told: Told | None = None) -> None:
        self.tally = Tally()
        self.now, self.before = now, before
        self.names = NamesSeen(now)
        self._keep_ids = keep_ids
        self._told = told
        self._questions: list[Question] = []
        places: dict[bytes, int] = {}
        sides = [self._sides(rules, places) for rules in (now, before)]
        for rule_id in sides[0] | sides[1]:
            self.tally.rules[rule_id] = RuleTally()
        self._pairs = [
            _Pair(tally, sides[0].get(rule_id, _ABSENT), sides[1].get(rule_id, _ABSENT))
            for rule_id, tally in self.tally.rules.items()
        ]
        self._rows = [(pair, pair.tally, *pair.now[1:], *pair.before[1:]) for pair in self._pairs]
        self._all_silent = [SILENT] * (len(self._questions) + 1)
        groups: dict[str | None, list[tuple[int, Question]]] = {}
        for place, question in enumerate(self._questions):
            groups.setdefault(question.rule.condition.looks_at, []).append((place, question))
        self._groups = list(groups.items())
        self._reads_keywords = any(Fact.KEYWORDS in each.rule.needs for each in self._questions)
        self._goals_known = frozenset(rules.digest for rules in (now, before) if rules.reads_goals)

    def _sides(self, rules: RuleSet, places: dict[bytes, int]) -> dict[str, _Side]:
        """The rules that are judged, by id. What both documents ask is asked once."""
        sides = {}
        for rule in (each for each in rules.rules if each.in_mode is not Mode.OFF):
            asks = to_json([rule.condition.written(), rule.scope.written() if rule.scope else None])
            if asks not in places:
                places[asks] = len(self._questions)
                self._questions.append(Question(rule))
            sides[rule.id] = _Side(rule, places[asks], live=rule.in_mode is Mode.LIVE)
        return sides

    def skip(self, reason: NotJudged) -> None:
        """Count an outcome that no rule can judge."""
        self.tally.outcomes += 1
        self.tally.not_judged[reason] += 1

    def add(self, stored: StoredOutcome, verdicts: Verdicts = NO_VERDICTS) -> None:
        """Judge an outcome's results by both documents."""
        call = read_call(stored, keywords=self._reads_keywords, goals_known=self._goals_known)
        if call is None:
            self.skip(NotJudged.UNREADABLE)
            return
        tally = self.tally
        tally.outcomes += 1
        tally.judged += 1
        if not tally.first_at or stored.evaluated_at < tally.first_at:
            tally.first_at = stored.evaluated_at
        self.names.see(call)
        answers = self._answers(call)
        if answers is None:
            return
        alerts_now = alerts_before = False
        for pair, counts, now_place, now_live, before_place, before_live in self._rows:
            now, before = answers[now_place], answers[before_place]
            if now is before and now is SILENT:
                continue
            if now.subjects:
                counts.now += 1
                alerts_now |= now_live
            if before.subjects:
                counts.before += 1
                alerts_before |= before_live
            if now is not before or now.missing or now.scope_unknown:
                self._compare(pair, now, before, call)
        tally.alerts_now += alerts_now
        tally.alerts_before += alerts_before
        if verdicts:
            self._weigh(verdicts, answers)

    def _answers(self, call: StoredCall) -> list[Fired] | None:
        """One for each question, and one for `_ABSENT`; `None` where all are silent."""
        answers: list[Fired] | None = None
        for part, questions in self._groups:
            if part is not None:
                try:
                    if not getattr(call, part):
                        continue
                except FactMissing:
                    pass  # each question says so itself
            for place, question in questions:
                answer = question(call)
                if answer is not SILENT:
                    if answers is None:
                        answers = self._all_silent.copy()
                    answers[place] = answer
        return answers

    def _compare(self, pair: _Pair, now: Fired, before: Fired, call: StoredCall) -> None:
        tally = pair.tally
        tally.scope_unknown += now.scope_unknown
        if now.missing:
            tally.unjudged[now.missing] += 1
        if before.missing:
            tally.unjudged_before[before.missing] += 1
        if now.missing or before.missing:
            return
        if not before.subjects:
            tally.new += 1
            self._tell(pair.now.rule, call, tally.new_ids, new=True)
        elif not now.subjects:
            tally.gone += 1
            self._tell(pair.before.rule, call, tally.gone_ids, new=False)
        else:
            tally.changed += now.subjects != before.subjects

    def _tell(self, rule: Rule | None, call: StoredCall, ids: "array[int]", *, new: bool) -> None:
        recording = call.results.recording_id
        if self._keep_ids:
            ids.append(recording)
        if self._told and rule:
            found: list[Violation] = []
            with suppress(FactMissing):  # after all that was found
                found.extend(rule.violations(call))
            self._told(rule.id, new, recording, tuple(found))

    def _weigh(self, verdicts: Verdicts, answers: list[Fired]) -> None:
        """Count what supervisors answered and live rules find no longer.

        What another live rule still finds is not lost: people see a goal or a pause once, whichever rule found it.
        """
        still: set[str] = set()
        for _, now_side, _ in self._pairs:
            if now_side.rule and now_side.live and now_side.rule.condition.finding.merges:
                still.update(answers[now_side.place].subjects)
        for pair in self._pairs:
            rule = pair.before.rule
            if rule is None or not pair.before.live:
                continue
            now = answers[pair.now.place] if pair.now.live else SILENT
            if now.missing:
                continue
            kept = still.union(now.subjects) if rule.condition.finding.merges else now.subjects
            for subject in answers[pair.before.place].subjects:
                if subject in kept:
                    continue
                verdict = verdicts.get(fingerprint(rule.id, subject))
                pair.tally.confirmed_lost += verdict == CONFIRMED
                pair.tally.false_alarms_removed += verdict == FALSE_ALARM
