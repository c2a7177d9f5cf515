"""The comparison: stored outcomes, judged by two rules documents, one outcome after the other."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from pydantic_core import to_json

from domain.backtest.names import NamesSeen
from domain.backtest.stored import NotJudged, StoredCall, StoredOutcome, read_call
from domain.backtest.tally import RuleTally, Tally
from domain.rules.call import FactMissing
from domain.rules.condition import Fact
from domain.rules.document import RuleSet
from domain.rules.judge import SILENT, Fired, fired
from domain.rules.rule import Mode, Rule
from domain.rules.violation import Violation, fingerprint

CONFIRMED = "confirmed"
FALSE_ALARM = "false_alarm"

Verdicts = Mapping[str, str]
"""What supervisors said of one recording's violations: `confirmed` or `false_alarm` by fingerprint."""
NO_VERDICTS: Verdicts = {}

Told = Callable[[str, bool, int, tuple[Violation, ...]], None]
"""Told of a call in which a rule fires on one side alone: the rule, if it is new, the recording, its violations."""


@dataclass(frozen=True, slots=True)
class _Side:
    """A rule in one of the documents. `question` is the place of what it asks among all questions."""

    rule: Rule
    question: int
    live: bool


@dataclass(frozen=True, slots=True)
class _Pair:
    tally: RuleTally
    now: _Side | None
    before: _Side | None


class Backtest:
    """Add each outcome once; `tally` holds the counts. Its size does not grow with their number, but for ids kept."""

    def __init__(self, now: RuleSet, before: RuleSet, *, keep_ids: bool = False, told: Told | None = None) -> None:
        self.tally = Tally()
        self.now, self.before = now, before
        self.names = NamesSeen(now)
        self._keep_ids = keep_ids
        self._told = told
        self._questions: list[Rule] = []
        places: dict[bytes, int] = {}
        sides = [self._sides(rules, places) for rules in (now, before)]
        for rule_id in sides[0] | sides[1]:
            self.tally.rules[rule_id] = RuleTally()
        self._pairs = [
            _Pair(tally, sides[0].get(rule_id), sides[1].get(rule_id)) for rule_id, tally in self.tally.rules.items()
        ]
        self._reads_keywords = any(Fact.KEYWORDS in rule.needs for rule in self._questions)
        self._goals_known = frozenset(rules.digest for rules in (now, before) if rules.reads_goals)

    def _sides(self, rules: RuleSet, places: dict[bytes, int]) -> dict[str, _Side]:
        """The rules that are judged, by id. What both documents ask is asked once."""
        sides = {}
        for rule in (each for each in rules.rules if each.in_mode is not Mode.OFF):
            asks = to_json([rule.condition.written(), rule.scope.written() if rule.scope else None])
            if asks not in places:
                places[asks] = len(self._questions)
                self._questions.append(rule)
            sides[rule.id] = _Side(rule, places[asks], rule.in_mode is Mode.LIVE)
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
        answers = [fired(rule, call) for rule in self._questions]
        alerts_now = alerts_before = False
        for pair in self._pairs:
            now = answers[pair.now.question] if pair.now else SILENT
            before = answers[pair.before.question] if pair.before else SILENT
            if now is SILENT and before is SILENT:
                continue
            alerts_now = alerts_now or bool(now.subjects and pair.now and pair.now.live)
            alerts_before = alerts_before or bool(before.subjects and pair.before and pair.before.live)
            self._count(pair, now, before, call)
        tally.alerts_now += alerts_now
        tally.alerts_before += alerts_before
        if verdicts:
            self._weigh(verdicts, answers)

    def _count(self, pair: _Pair, now: Fired, before: Fired, call: StoredCall) -> None:
        tally = pair.tally
        tally.now += bool(now.subjects)
        tally.before += bool(before.subjects)
        tally.scope_unknown += now.scope_unknown
        if now.missing:
            tally.unjudged[now.missing] += 1
        if before.missing:
            tally.unjudged_before[before.missing] += 1
        if now.missing or before.missing or now is before:
            return
        if not before.subjects:
            tally.new += 1
            self._tell(pair.now, call, new=True)
            if self._keep_ids:
                tally.new_ids.append(call.results.recording_id)
        elif not now.subjects:
            tally.gone += 1
            self._tell(pair.before, call, new=False)
            if self._keep_ids:
                tally.gone_ids.append(call.results.recording_id)
        else:
            tally.changed += now.subjects != before.subjects

    def _tell(self, side: _Side | None, call: StoredCall, *, new: bool) -> None:
        if self._told is None or side is None:
            return
        found: list[Violation] = []
        with suppress(FactMissing):  # after all that was found
            found.extend(side.rule.violations(call))
        self._told(side.rule.id, new, call.results.recording_id, tuple(found))

    def _weigh(self, verdicts: Verdicts, answers: list[Fired]) -> None:
        """Count what supervisors answered and live rules find no longer.

        What another live rule still finds is not lost: people see a goal or a pause once, whichever rule found it.
        """
        still: set[str] = set()
        for pair in self._pairs:
            if pair.now and pair.now.live and pair.now.rule.condition.finding.merges:
                still.update(answers[pair.now.question].subjects)
        for pair in self._pairs:
            if not pair.before or not pair.before.live:
                continue
            now = answers[pair.now.question] if pair.now and pair.now.live else SILENT
            if now.missing:
                continue
            kept = still if pair.before.rule.condition.finding.merges else set(now.subjects)
            for subject in answers[pair.before.question].subjects:
                if subject in kept or subject in now.subjects:
                    continue
                verdict = verdicts.get(fingerprint(pair.before.rule.id, subject))
                pair.tally.confirmed_lost += verdict == CONFIRMED
                pair.tally.false_alarms_removed += verdict == FALSE_ALARM
