"""Rule tests in a file: results with what a rule must make of them.

{"tests": [{"name": …, "rule": <id>, "results": {…} or "file": …, "details": {…}?, "expect": "fires" | "silent",
            "subjects": […]?}]}
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import from_json

from cli.errors import CommandError
from cli.rules.calls import call_of
from cli.rules.files import Fault, FileInvalid, read_text
from domain.rules.call import Call
from domain.rules.condition import refused
from domain.rules.document import RuleSet
from domain.rules.faults import faults_of, near, shown

_MOST_BYTES: Final = 10_000_000

Expectation = Literal["fires", "silent"]


@dataclass(frozen=True)
class Case:
    """A call, and what this rule must make of it. `subjects`: exactly those that it must find, where given."""

    file: Path
    name: str
    rule_id: str
    call: Call
    expect: Expectation
    subjects: frozenset[str] | None


class _Written(BaseModel):
    """A case as the file has it."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=200)]
    rule: str
    results: dict[str, Any] | None = None
    file: Annotated[str, Field(min_length=1, max_length=1_000)] | None = None
    details: dict[str, Any] | None = None
    expect: Expectation
    subjects: Annotated[tuple[str, ...], Field(strict=False)] | None = None

    @model_validator(mode="after")
    def _can_be_judged(self) -> _Written:
        if (self.results is None) == (self.file is None):
            raise refused("give either results, or the file that holds them", "results")
        if self.subjects and self.expect == "silent":
            raise refused("a case that is silent has no subjects", "subjects")
        return self


class _File(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    tests: Annotated[tuple[_Written, ...], Field(strict=False, max_length=1_000)]


def read_cases(path: Path, rules: RuleSet) -> tuple[Case, ...]:
    """The cases of a file, each for a rule of the document. Raises `FileInvalid` with every fault, `CommandError`."""
    text = read_text(path, _MOST_BYTES)
    try:
        written = _File.model_validate_json(text).tests
        faults = [
            fault for number, case in enumerate(written) for fault in _rule_faults(f"tests[{number}]", case, rules)
        ]
    except ValidationError as error:
        written, faults = (), list(faults_of(error, _fields))
    cases = []
    for number, case in enumerate(written):
        try:
            call = _call(path, f"tests[{number}]", case)
        except FileInvalid as invalid:
            faults += invalid.faults
        else:
            subjects = None if case.subjects is None else frozenset(case.subjects)
            cases.append(Case(path, case.name, case.rule, call, case.expect, subjects))
    if faults:
        raise FileInvalid(path, tuple(faults))
    return tuple(cases)


def _rule_faults(at: str, case: _Written, rules: RuleSet) -> Iterator[Fault]:
    ids = [rule.id for rule in rules.rules]
    if case.rule not in ids:
        yield f"{at}.rule", f"{shown(case.rule)} is no rule of the document{near(case.rule, ids)}"


def _call(path: Path, at: str, case: _Written) -> Call:
    """Raises `FileInvalid` where results or details are not as the vendor writes them."""
    if case.file is None:
        return call_of(path, f"{at}.results", case.results, f"{at}.details", case.details)
    at = f"{at}.file"
    try:
        body = from_json(read_text(path.parent / case.file, _MOST_BYTES))
    except FileInvalid as invalid:
        raise FileInvalid(path, tuple((at, sentence) for _, sentence in invalid.faults)) from None
    except CommandError as error:
        raise FileInvalid(path, ((at, str(error)),)) from None
    except ValueError as error:
        raise FileInvalid(path, ((at, f"{shown(case.file)} is not JSON: {error}"),)) from None
    return call_of(path, at, body, f"{at[: -len('file')]}details", case.details)


def _fields(place: Sequence[int | str]) -> list[str]:
    return list((_File if len(place) == 1 else _Written).model_fields)
