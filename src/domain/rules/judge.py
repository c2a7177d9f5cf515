"""The judgement: which rules a recording breaks, and which cannot be judged."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from domain.errors import AlertsError, Unusable
from domain.recording import MAX_FINDINGS
from domain.rules.call import Call, FactMissing
from domain.rules.document import RuleSet
from domain.rules.rule import Rule
from domain.rules.violation import Violation


@dataclass(frozen=True, slots=True)
class Judgement:
    """`violations` has one for each rule and subject: the most severe first, then in the order of the rules.

    `unjudged` are the ids of rules that may be broken beyond that: a fact that they need is missing for good.
    """

    violations: tuple[Violation, ...] = ()
    unjudged: tuple[str, ...] = ()


NOTHING: Final = Judgement()


def judge(rules: RuleSet, call: Call) -> Judgement:
    """Judge by the live rules. Raises `Unusable` for a malformed body, and for more than a real call can have."""
    found: dict[tuple[str, str], Violation] = {}
    unjudged: list[str] = []
    for rule in rules.live:
        try:
            _gather(rule, call, found)
        except FactMissing:
            unjudged.append(rule.id)
    return _judgement(found, unjudged)


def judge_shadow(rules: RuleSet, call: Call) -> Judgement:
    """Judge by the shadow rules. What a live rule would raise leaves a shadow rule unjudged."""
    found: dict[tuple[str, str], Violation] = {}
    unjudged: list[str] = []
    for rule in rules.shadow:
        try:
            _gather(rule, call, found)
        except (FactMissing, AlertsError):
            unjudged.append(rule.id)
    return _judgement(found, unjudged)


def _gather(rule: Rule, call: Call, found: dict[tuple[str, str], Violation]) -> None:
    for violation in rule.violations(call):
        found.setdefault((rule.id, violation.subject), violation)
        if len(found) > MAX_FINDINGS:
            raise Unusable(
                f"Recording {call.results.recording_id}: more than {MAX_FINDINGS} violations in one recording."
            )


def _judgement(found: dict[tuple[str, str], Violation], unjudged: Sequence[str]) -> Judgement:
    if not found and not unjudged:
        return NOTHING
    ordered = sorted(found.values(), key=lambda violation: -violation.severity.urgency)
    return Judgement(tuple(ordered), tuple(unjudged))


class Fired(NamedTuple):
    """Where one rule fired, without a finding built. `missing` says what it lacks, if that keeps it unjudged.

    `scope_unknown`: whether the recording's details leave its scope open.
    """

    subjects: tuple[str, ...] = ()
    scope_unknown: bool = False
    missing: str | None = None


SILENT: Final = Fired()


class Question:
    """One rule, made ready to judge many calls, whatever its mode."""

    __slots__ = ("_matches", "_scoped", "rule")

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self._scoped = rule.scope is not None
        self._matches = rule.matches if self._scoped else rule.condition.matches

    def __call__(self, call: Call) -> Fired:
        """A rule that certainly fires is judged, whatever else it lacks."""
        subjects: list[str] = []
        missing = None
        try:
            for subject, _ in self._matches(call):
                subjects.append(subject)
        except FactMissing as error:
            missing = str(error)
        except AlertsError:
            missing = "keywords that can be read"
        if not subjects:
            return SILENT if missing is None else Fired(missing=missing)
        distinct = subjects if len(subjects) == 1 else dict.fromkeys(subjects)
        return Fired(tuple(distinct), self._scoped and bool(self.rule.scope_unknown(call)))
