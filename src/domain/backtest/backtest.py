"""The comparison: stored outcomes, judged by two rules documents, one outcome after the other."""

from array import array
from collections import defaultdict
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from domain.backtest.names import NamesLeft, NamesSeen
from domain.backtest.pairs import Pair, paired
from domain.backtest.stored import NotJudged, StoredCall, StoredOutcome, read_call
from domain.backtest.tally import RuleTally, Tally
from domain.rules.call import FactMissing
from domain.rules.condition import Fact
from domain.rules.document import RuleSet
from domain.rules.judge import SILENT, Fired, Question
from domain.rules.rule import Rule
from domain.rules.violation import Violation, fingerprint

CONFIRMED = "confirmed"
FALSE_ALARM = "false_alarm"

Verdicts = Callable[[int], Mapping[str, str]]
"""What supervisors said of one recording's violations: `confirmed` or `false_alarm` by fingerprint.

Asked only about calls in which a live rule no longer finds what it found.
"""

Told = Callable[[str, bool, int, tuple[Violation, ...]], None]
"""Told of a call in which a rule fires on one side alone: the rule, if it is new, the recording, its violations."""


class Backtest:
    """Add each outcome once; `tally` holds the counts. Its size does not grow with their number, but for ids kept.

    `new_ids` and `gone_ids` are the recordings in which a rule fires on one side alone, where they are asked for.
    """

    def __init__(
        self,
        now: RuleSet,
        before: RuleSet,
        *,
        verdicts: Verdicts | None = None,
        keep_ids: bool = False,
        told: Told | None = None,
    ) -> None:
        self.tally = Tally()
        self.now, self.before = now, before
        self.names = NamesSeen(now)
        self.new_ids: dict[str, array[int]] = defaultdict(_no_ids)
        self.gone_ids: dict[str, array[int]] = defaultdict(_no_ids)
        self._verdicts = verdicts
        self._keep_ids = keep_ids
        self._told = told
        self._pairs, self._questions = paired(now, before)
        self.tally.rules |= {pair.rule_id: pair.tally for pair in self._pairs}
        self._rows = [
            (pair, pair.tally, pair.now.place, pair.now.live, pair.before.place, pair.before.live, pair.may_lose)
            for pair in self._pairs
        ]
        self._all_silent = [SILENT] * (len(self._questions) + 1)
        groups: dict[str | None, list[tuple[int, Question]]] = {}
        for place, question in enumerate(self._questions):
            groups.setdefault(question.rule.condition.looks_at, []).append((place, question))
        self._groups = list(groups.items())
        self._reads_keywords = any(Fact.KEYWORDS in each.rule.needs for each in self._questions)
        self._goals_known = frozenset(rules.digest for rules in (now, before) if rules.reads_goals)

    def take(self, stored: StoredOutcome | NotJudged) -> None:
        """Judge an outcome, or count why none can."""
        if isinstance(stored, NotJudged):
            self.skip(stored)
        else:
            self.add(stored)

    def skip(self, reason: NotJudged) -> None:
        """Count an outcome that no rule can judge."""
        self.tally.outcomes += 1
        self.tally.not_judged[reason] += 1

    def merge(self, judged: "Judged") -> None:
        """Take over what the same documents found in other calls."""
        self.tally.merge(judged.tally)
        self.names.merge(judged.left)

    @property
    def judged(self) -> "Judged":
        """What `merge` takes over elsewhere."""
        return Judged(self.tally, self.names.left)

    def add(self, stored: StoredOutcome) -> None:
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
        alerts_now = alerts_before = may_lose = False
        for pair, counts, now_place, now_live, before_place, before_live, loses in self._rows:
            now, before = answers[now_place], answers[before_place]
            if now is before and now is SILENT:
                continue
            if now.subjects:
                counts.now += 1
                alerts_now |= now_live
            if before.subjects:
                counts.before += 1
                alerts_before |= before_live
                may_lose |= loses
            if now is not before or now.missing or now.scope_unknown:
                self._compare(pair, now, before, call)
        tally.alerts_now += alerts_now
        tally.alerts_before += alerts_before
        if may_lose and self._verdicts:
            self._weigh(self._verdicts, stored.recording, answers)

    def _answers(self, call: StoredCall) -> list[Fired] | None:
        """One for each question, and one for `ABSENT`; `None` where all are silent."""
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

    def _compare(self, pair: Pair, now: Fired, before: Fired, call: StoredCall) -> None:
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
            self._tell(pair.now.rule, call, self.new_ids, new=True)
        elif not now.subjects:
            tally.gone += 1
            self._tell(pair.before.rule, call, self.gone_ids, new=False)
        else:
            tally.changed += now.subjects != before.subjects

    def _tell(self, rule: Rule | None, call: StoredCall, ids: "dict[str, array[int]]", *, new: bool) -> None:
        if rule is None:
            return
        recording = call.results.recording_id
        if self._keep_ids:
            ids[rule.id].append(recording)
        if self._told:
            found: list[Violation] = []
            with suppress(FactMissing):  # after all that was found
                found.extend(rule.violations(call))
            self._told(rule.id, new, recording, tuple(found))

    def _weigh(self, verdicts: Verdicts, recording: int, answers: list[Fired]) -> None:
        """Count what supervisors answered and live rules find no longer.

        What another live rule still finds is not lost: people see a goal or a pause once, whichever rule found it.
        """
        still: set[str] = set()
        for side in (pair.now for pair in self._pairs):
            if side.rule and side.live and side.rule.condition.finding.merges:
                still.update(answers[side.place].subjects)
        lost: list[tuple[RuleTally, str]] = []
        for pair in self._pairs:
            rule = pair.before.rule
            if rule is None or not pair.may_lose:
                continue
            now = answers[pair.now.place] if pair.now.live else SILENT
            if now.missing:
                continue
            kept = still.union(now.subjects) if rule.condition.finding.merges else now.subjects
            subjects = (subject for subject in answers[pair.before.place].subjects if subject not in kept)
            lost += [(pair.tally, fingerprint(rule.id, subject)) for subject in subjects]
        given = verdicts(recording) if lost else {}
        for tally, mark in lost:
            verdict = given.get(mark)
            tally.confirmed_lost += verdict == CONFIRMED
            tally.false_alarms_removed += verdict == FALSE_ALARM


@dataclass(frozen=True, slots=True)
class Judged:
    """What was counted in some calls, and which names none of them had."""

    tally: Tally
    left: NamesLeft


def _no_ids() -> "array[int]":
    return array("q")
