"""`ica rules test`: what each rule made of its cases, as a table, as JSON and as JUnit XML."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final
from xml.etree import ElementTree as Xml

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli.console import out, print_json
from cli.errors import CommandError, Exit
from cli.options import Output
from cli.rules.document import read_document
from cli.rules.trial import Trial, Tried, Untested, try_rules
from domain import wording
from domain.rules.rule import Mode

_SUBJECTS: Final = 3
_SUBJECT: Final = 60
_NO_CASE: Final = {"fires": "no case fires", "silent": "no case is silent"}
_BOTH: Final = "a live rule needs a case that fires and one that is silent"


def test(path: Path, tests: Sequence[Path], junit: Path | None, output: Output) -> Exit:
    """Try the document's rules on their cases. Raises `FileInvalid` and `CommandError`."""
    trial = try_rules(read_document(path), tests)
    if output is Output.JSON:
        print_json(trial.as_json())
    else:
        show(out, trial)
    if junit:
        _write(junit, path.name, trial)
    return Exit.FINE if trial.passed else Exit.FINDINGS


def show(console: Console, trial: Trial) -> None:
    """The table, then the number of cases in a sentence."""
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1), pad_edge=False, show_edge=False)
    table.add_column("", no_wrap=True)
    table.add_column("Rule and case", overflow="fold", ratio=3)
    table.add_column("Found", overflow="fold", ratio=2)
    for rule, rows in _rows(trial).items():
        table.add_row("", Text(rule, "bold"))
        for passed, name, found in rows:
            mark = Text("✓", "green") if passed else Text("✗", "bold red")
            table.add_row(mark, Text(name), Text(found, "" if passed else "red"))
    console.print(table)
    console.print(_sentence(trial), markup=False, soft_wrap=True)


def _rows(trial: Trial) -> dict[str, list[tuple[bool, str, str]]]:
    """For each rule: whether it is as expected, the case, what was found."""
    rows: dict[str, list[tuple[bool, str, str]]] = {}
    for each in trial.tried:
        rule = each.case.rule_id if each.mode is Mode.LIVE else f"{each.case.rule_id} ({each.mode})"
        found = _found(each) if each.passed else _instead(each)
        rows.setdefault(rule, []).append((each.passed, wording.clean(each.case.name), found))
    for missing in trial.untested:
        rows.setdefault(missing.rule_id, []).append((False, "–", _NO_CASE[missing.expect]))
    return rows


def _sentence(trial: Trial) -> str:
    count = wording.counted(len(trial.tried), "case", "cases")
    if trial.passed:
        return f"{count}, each as expected."
    failed = sum(not each.passed for each in trial.tried)
    parts = [f"{failed} not as expected"] if failed else []
    if trial.untested:
        parts.append(_BOTH)
    return f"{count}: {'; '.join(parts)}."


def _found(tried: Tried) -> str:
    if tried.found == "unjudged":
        return f"cannot be judged without {tried.lacking}"
    return _told(tried.found, tried.subjects)


def _instead(tried: Tried) -> str:
    must = _told(tried.case.expect, sorted(tried.case.subjects or ()))
    return f"{_found(tried)}; must be {must}"


def _told(what: str, subjects: Sequence[str]) -> str:
    """`fires: goal:3, goal:4`"""
    if not subjects:
        return what
    shown = [wording.cut(wording.clean(subject), _SUBJECT) for subject in subjects[:_SUBJECTS]]
    more = f" and {len(subjects) - _SUBJECTS} more" if len(subjects) > _SUBJECTS else ""
    return f"{what}: {', '.join(shown)}{more}"


def _write(path: Path, suite: str, trial: Trial) -> None:
    """As JUnit has it: a suite, a case for each case, a failure where one is not as expected."""
    root = Xml.Element("testsuites")
    failures = len(trial.untested) + sum(not each.passed for each in trial.tried)
    counts = {"tests": str(len(trial.tried) + len(trial.untested)), "failures": str(failures), "errors": "0"}
    below = Xml.SubElement(root, "testsuite", {"name": wording.clean(suite), **counts})
    for rule_id, name, failure in _cases(trial.tried, trial.untested):
        case = Xml.SubElement(below, "testcase", {"classname": rule_id, "name": wording.clean(name), "time": "0"})
        if failure:
            Xml.SubElement(case, "failure", {"message": failure})
    try:
        path.write_bytes(Xml.tostring(root, encoding="utf-8", xml_declaration=True) + b"\n")
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise CommandError(f"{path} cannot be written: {why}.") from None


def _cases(tried: Iterable[Tried], untested: Iterable[Untested]) -> Iterator[tuple[str, str, str | None]]:
    for each in tried:
        yield each.case.rule_id, each.case.name, None if each.passed else _instead(each)
    for missing in untested:
        yield missing.rule_id, _NO_CASE[missing.expect], _BOTH
