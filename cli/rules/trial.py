"""Rules tried on their cases: what each found, and which live rules lack a case."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cli.rules.cases import Case, Expectation, read_cases
from cli.rules.document import Document
from domain.rules.call import Call, FactMissing
from domain.rules.document import RuleSet
from domain.rules.rule import Mode, Rule


@dataclass(frozen=True)
class Tried:
    """What a rule found in its case: nothing is not silence where `lacking` names a fact that is missing."""

    case: Case
    mode: Mode
    subjects: tuple[str, ...]
    lacking: str | None

    @property
    def found(self) -> str:
        """`fires`, `silent` or `unjudged`"""
        if self.subjects:
            return "fires"
        return "unjudged" if self.lacking else "silent"

    @property
    def passed(self) -> bool:
        same = self.case.subjects is None or self.case.subjects == set(self.subjects)
        return self.found == self.case.expect and same


@dataclass(frozen=True)
class Untested:
    """A live rule without a case of this kind."""

    rule_id: str
    expect: Expectation


@dataclass(frozen=True)
class Trial:
    """All cases in the order of the rules, and what no case tests."""

    tried: tuple[Tried, ...]
    untested: tuple[Untested, ...]

    @property
    def passed(self) -> bool:
        return not self.untested and all(each.passed for each in self.tried)

    def as_json(self) -> list[dict[str, Any]]:
        """An object for each case, and one without a `name` for each that is missing."""
        cases = [
            {
                "rule": each.case.rule_id,
                "name": each.case.name,
                "expect": each.case.expect,
                "found": each.found,
                "subjects": list(each.subjects),
                "passed": each.passed,
            }
            | ({"lacking": each.lacking} if each.lacking else {})
            | ({} if each.case.subjects is None else {"expect_subjects": sorted(each.case.subjects)})
            for each in self.tried
        ]
        missing = [
            {"rule": each.rule_id, "name": None, "expect": each.expect, "found": None, "passed": False}
            for each in self.untested
        ]
        return cases + missing


def tests_beside(document: Path) -> Path:
    """`rules.tests.json` for `rules.json`."""
    return document.with_suffix(".tests.json")


def try_rules(document: Document, tests: Sequence[Path]) -> Trial:
    """Try every rule on the cases of these files, or of the one beside the document.

    Raises `FileInvalid` and `CommandError` where a file cannot be used.
    """
    files = tests or [tests_beside(document.path)]
    cases = [case for path in files for case in read_cases(path, document.rules)]
    place = {rule.id: number for number, rule in enumerate(document.rules.rules)}
    cases.sort(key=lambda case: place[case.rule_id])
    tried = tuple(_tried(document.rules.rules[place[case.rule_id]], case) for case in cases)
    return Trial(tried, _untested(document.rules, cases))


def _tried(rule: Rule, case: Case) -> Tried:
    """The rule is tried in any mode, so that one can be tested before it is switched on."""
    subjects, lacking = subjects_of(rule, case.call)
    return Tried(case, rule.in_mode, subjects, lacking)


def subjects_of(rule: Rule, call: Call) -> tuple[tuple[str, ...], str | None]:
    """What the rule is broken by, each once; and the fact that it lacks, if any."""
    subjects: dict[str, None] = {}
    try:
        for violation in rule.violations(call):
            subjects[violation.subject] = None
    except FactMissing as missing:
        return tuple(subjects), str(missing)
    return tuple(subjects), None


def _untested(rules: RuleSet, cases: Sequence[Case]) -> tuple[Untested, ...]:
    tested = {(case.rule_id, case.expect) for case in cases}
    both: tuple[Expectation, ...] = ("fires", "silent")
    return tuple(Untested(rule.id, expect) for rule in rules.live for expect in both if (rule.id, expect) not in tested)
