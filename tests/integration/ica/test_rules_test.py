"""`ica rules test`: rules tried on results that stand beside them, without a stack."""

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as Xml

import pytest

from local.places import ROOT
from tests.fakes.ica import Done, ica
from tests.fakes.make import body, goal, goal_rule, keyword, pause, pause_rule
from tests.integration.ica.conftest import Write

DOCUMENTED = ROOT / "local" / "fixtures" / "recording_123.json"
FIRES = {"name": "no offer", "rule": "g", "results": body(1, goal(3)), "expect": "fires", "subjects": ["goal:3"]}
SILENT = {"name": "an offer", "rule": "g", "results": body(1, goal(3, met=True)), "expect": "silent"}
SAID = {"id": "k", "when": "keyword_said", "keyword_names": ["refund"], "severity": "info"}
SCOPED = goal_rule(scope={"languages": ["de"]})
SPOKEN = "what the customer said"


@pytest.fixture
def tried(write: Write) -> Any:
    """Try rules on cases: the command's result. Without rules, one that is broken by any unmet goal."""

    def tried(cases: Any, *rules: Any, options: tuple[str, ...] = ()) -> Done:
        path = write("rules.json", {"version": 1, "rules": rules or [goal_rule()]})
        write("rules.tests.json", cases if isinstance(cases, dict | str | bytes) else {"tests": cases})
        return ica("rules", "test", path, *options)

    return tried


def test_a_table_shows_what_fired_and_what_was_silent(tried: Any) -> None:
    done = tried([SILENT, FIRES])
    assert (done.code, done.err) == (0, "")
    assert [line.split() for line in done.out.splitlines()[2:5]] == [
        ["g"],
        ["✓", "an", "offer", "silent"],
        ["✓", "no", "offer", "fires:", "goal:3"],
    ]
    assert done.out.splitlines()[-1] == "2 cases, each as expected."
    assert max(map(len, done.out.splitlines())) <= 80


def test_programs_get_a_list(tried: Any) -> None:
    done = tried([SILENT | {"expect": "fires"}, FIRES], options=("-o", "json"))
    assert done.code == 1
    assert done.json == [
        {"rule": "g", "name": "an offer", "expect": "fires", "found": "silent", "subjects": [], "passed": False},
        {"rule": "g", "name": "no offer", "expect": "fires", "found": "fires", "subjects": ["goal:3"], "passed": True}
        | {"expect_subjects": ["goal:3"]},
        {"rule": "g", "name": None, "expect": "silent", "found": None, "passed": False},
    ]


CASES: dict[str, tuple[list[Any], dict[str, Any], bool]] = {
    # the rules → a case, whether it is as expected
    "subjects are a set": (
        [goal_rule()],
        FIRES | {"results": body(1, goal(3), goal(4)), "subjects": ["goal:4", "goal:3", "goal:3"]},
        True,
    ),
    "a subject too many": ([goal_rule()], FIRES | {"results": body(1, goal(3), goal(4))}, False),
    "another subject": ([goal_rule()], FIRES | {"subjects": ["goal:4"]}, False),
    "a shadow rule is tried": ([goal_rule(mode="shadow")], FIRES, True),
    "a rule that is off is tried": ([goal_rule(mode="off")], FIRES, True),
    "a whole body": ([goal_rule()], FIRES | {"results": {"data": FIRES["results"]}}, True),
    "no details for a scope is not silence": ([SCOPED], FIRES | {"expect": "silent", "subjects": []}, False),
    "no details for a scope does not fire": ([SCOPED], FIRES, False),
    "out of scope": ([SCOPED], SILENT | {"results": FIRES["results"], "details": {"language": "fr"}}, True),
    "in scope, a whole body": ([SCOPED], FIRES | {"details": {"data": {"language": "de-AT"}}}, True),
    "no keywords is not silence": ([SAID], SILENT | {"rule": "k"}, False),
    "keywords": (
        [SAID],
        FIRES | {"rule": "k", "results": body(1) | {"keywords": [keyword(7)]}, "subjects": ["keyword:7"]},
        True,
    ),
}


@pytest.mark.parametrize(("rules", "case", "passed"), CASES.values(), ids=CASES)
def test_a_case_is_as_expected_or_not(tried: Any, rules: list[Any], case: Any, passed: bool) -> None:
    listed = tried([case], *rules, options=("-o", "json")).json
    assert listed[0]["passed"] is passed


def test_what_cannot_be_judged_says_which_fact_is_missing(tried: Any) -> None:
    assert tried([FIRES], SCOPED, options=("-o", "json")).json[0]["lacking"] == "the recording's details"


@pytest.mark.parametrize(("cases", "lacks"), [([FIRES], "is silent"), ([SILENT], "fires")])
def test_a_live_rule_needs_both_kinds_of_cases(tried: Any, cases: list[Any], lacks: str) -> None:
    done = tried(cases)
    assert done.code == 1
    assert f"✗ – no case {lacks}" in " ".join(done.out.split())
    assert done.out.endswith("1 case: a live rule needs a case that fires and one that is silent.\n")
    assert tried(cases, goal_rule(mode="shadow")).code == 0


def test_several_files_of_tests_count_together(write: Write) -> None:
    path = write("rules.json", {"version": 1, "rules": [goal_rule()]})
    files = [write(f"{case['name']}.json", {"tests": [case]}) for case in (FIRES, SILENT)]
    assert ica("rules", "test", path, "--tests", files[0], "--tests", files[1]).code == 0


def test_results_may_stand_in_a_file_beside_the_tests(tried: Any, write: Write) -> None:
    write("body.json", DOCUMENTED.read_text(encoding="utf-8"))
    from_file = {"name": "documented", "rule": "g", "file": "body.json", "expect": "fires", "subjects": ["goal:3"]}
    assert tried([from_file, SILENT]).code == 0


def test_junit_has_a_failure_for_each_case_that_is_not_as_expected(tried: Any, tmp_path: Path) -> None:
    xml = tmp_path / "junit.xml"
    assert tried([FIRES | {"subjects": ["goal:9"], "name": "a\u0000b\u001b<"}], options=("--junit", str(xml))).code == 1
    (suite,) = Xml.fromstring(xml.read_bytes())  # noqa: S314 - of our own making
    assert suite.attrib == {"name": "rules.json", "tests": "2", "failures": "2", "errors": "0"}
    assert [(case.get("classname"), case.get("name"), case[0].get("message")) for case in suite] == [
        ("g", "a b <", "fires: goal:3; must be fires: goal:9"),
        ("g", "no case is silent", "a live rule needs a case that fires and one that is silent"),
    ]


BAD: dict[str, tuple[Any, str]] = {
    # the cases → the fault
    "no such rule": ([FIRES | {"rule": "h"}], 'tests[0].rule: "h" is no rule of the document; allowed: g'),
    "no rule": ([{**FIRES, "rule": None}], "tests[0].rule: must be a text, not null"),
    "results that are no results": (
        [FIRES | {"results": {"recording_id": 1, "goals": SPOKEN, "pauses": []}}],
        "tests[0].results.goals: must be a list",
    ),
    "results without pauses": (
        [FIRES | {"results": {"recording_id": 1, "goals": []}}],
        "tests[0].results.pauses: is missing",
    ),
    "a goal that is none": (
        [FIRES | {"results": body(1, goal() | {"explanation": [SPOKEN]})}],
        "tests[0].results.goals[0].explanation: must be a text",
    ),
    "results that are a list": (
        [FIRES | {"results": [SPOKEN]}],
        "tests[0].results: must be an object, not a list of 1",
    ),
    "keywords that are none": (
        [FIRES | {"results": body(1) | {"keywords": [{"keyword_id": SPOKEN}]}}],
        "tests[0].results.keywords[0].keyword_id: must be a whole number",
    ),
    "details that are none": ([FIRES | {"details": {"duration_ms": SPOKEN}}], "tests[0].details.duration_ms: must be"),
    "neither results nor a file": ([{**FIRES, "results": None}], "tests[0].results: give either results, or the file"),
    "results and a file": ([FIRES | {"file": "x"}], "tests[0].results: give either results, or the file that holds"),
    "no such file": ([{**FIRES, "results": None, "file": "x.json"}], "tests[0].file: "),
    "a file's name that is none": ([{**FIRES, "results": None, "file": "a\0"}], "tests[0].file: "),
    "another word": ([FIRES | {"expect": "fire"}], 'tests[0].expect: "fire" is not allowed; did you mean fires?'),
    "an unknown field": ([FIRES | {"reults": {}}], "tests[0].reults: is not a field here; did you mean results?"),
    "an unknown field at the top": ({"tests": [], "condition": 1}, "condition: is not a field here; allowed: tests"),
    "subjects of silence": ([SILENT | {"subjects": ["goal:1"]}], "tests[0].subjects: a case that is silent has no"),
    "no list": ({"tests": {}}, "tests: must be a list, not an object"),
    "not JSON": ("{", "document: is not JSON: EOF"),
    "not UTF-8": (b"\xff", "document: is not UTF-8; save the file in that encoding"),
    "over 10 MB": (" " * 10_000_001, "document: has over 10,000,000 bytes, which is too much"),
}


@pytest.mark.parametrize(("cases", "fault"), BAD.values(), ids=BAD)
def test_a_bad_file_is_told_in_one_sentence_that_shows_no_words(tried: Any, cases: Any, fault: str) -> None:
    done = tried(cases)
    assert (done.code, done.out) == (2, "")
    first, *rest = done.err.splitlines()
    assert first.endswith("rules.tests.json is refused as a whole:")
    assert fault in rest[0]
    assert SPOKEN not in done.err


def test_every_fault_of_a_file_is_told(tried: Any) -> None:
    done = tried([FIRES | {"rule": "h"}, FIRES, FIRES | {"results": {}}])
    assert [line.split(":")[0].strip() for line in done.err.splitlines()[1:]] == [
        *("tests[0].rule", "tests[2].results.recording_id", "tests[2].results.goals", "tests[2].results.pauses")
    ]


def test_a_bad_document_is_told_by_its_path(write: Write) -> None:
    done = ica("rules", "test", write("rules.json", {"version": 1, "rules": [pause_rule(-1)]}))
    assert (done.code, done.out) == (2, "")
    assert done.err.splitlines()[1] == "  rules[0].longer_than_ms: must be at least 0, not -1"


def test_tests_that_are_not_there_are_told(write: Write) -> None:
    path = write("rules.json", {"version": 1, "rules": []})
    done = ica("rules", "test", path)
    assert done.code == 2
    assert done.err.endswith("rules.tests.json cannot be read: No such file or directory.\n")


def test_junit_that_cannot_be_written_is_told(tried: Any, tmp_path: Path) -> None:
    done = tried([FIRES, SILENT], options=("--junit", str(tmp_path)))
    assert (done.code, done.err) == (2, f"{tmp_path} cannot be written: Is a directory.\n")


def test_explanations_are_not_printed(tried: Any) -> None:
    results = body(1, goal(3, why=SPOKEN), pause())
    done = tried([FIRES | {"results": results, "subjects": ["goal:4"]}])
    assert SPOKEN not in done.out + done.err + json.dumps(tried([FIRES], options=("-o", "json")).json)
