"""`ica rules validate`: every fault by its path, in words and as JSON, and exit code 2; the file is enough."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.ica import ica
from tests.fakes.make import goal_rule, pause_rule
from tests.integration.ica.conftest import Write


def document(*rules: Any, **top: Any) -> dict[str, Any]:
    return {"version": 1, "rules": list(rules)} | top


def test_a_valid_document_is_summed_up(write: Write) -> None:
    path = write("rules.json", document(goal_rule(), pause_rule(mode="shadow"), **{"$schema": "rules.schema.json"}))
    done = ica("rules", "validate", path)
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(f"{path} is valid: 2 rules (1 live, 1 shadow), 169 of 8,192 bytes, digest ")


def test_every_fault_is_told(write: Write) -> None:
    path = write("rules.json", document(pause_rule(longer_then_ms=5), goal_rule(score_below=1.5, id="p")))
    done = ica("rules", "validate", path)
    first, second = done.out.splitlines()
    assert first.startswith("rules[0].longer_then_ms: is not a field here; did you mean longer_than_ms? Allowed: id,")
    assert second == "rules[1].score_below: must be at most 1, not 1.5"
    assert (done.code, done.err) == (2, f"{path} is refused as a whole: 2 faults.\n")


def test_programs_get_a_list(write: Write) -> None:
    assert ica("rules", "validate", write("good.json", document()), "-o", "json").json == []
    done = ica("rules", "validate", write("bad.json", document(pause_rule(-5))), "-o", "json")
    assert done.code == 2
    assert done.json == [{"path": "rules[0].longer_than_ms", "message": "must be at least 0, not -5"}]


OF = {"when": "goal_unmet"}
BAD: dict[str, tuple[Any, str]] = {
    # the document → a fault of it, as its line begins
    "an unknown kind": (document(goal_rule(when="goal_met")), 'rules[0].when: "goal_met" is not allowed here; did you'),
    "an unknown field": (document(goal_rule(colour=1)), "rules[0].colour: is not a field here; allowed: id, severity"),
    "a doubled id": (document(goal_rule(), goal_rule()), "rules[1].id: ids must be unique; used more than once: g"),
    "a negative number": (document(pause_rule(-1)), "rules[0].longer_than_ms: must be at least 0, not -1"),
    "an absurd number": (
        document(goal_rule(scope={"longer_than_ms": 10**30})),
        "rules[0].scope.longer_than_ms: must be at most 604,800,000, not so large a number",
    ),
    "a share of 1.5": (
        document({"id": "s", "severity": "info", "when": "silence_too_much", "share_above": 1.5}),
        "rules[0].share_above: must be at most 1, not 1.5",
    ),
    "an empty of": (document(goal_rule(when="all", of=[])), "rules[0].of: must have at least 2 in it, not a list of 0"),
    "conditions nested twice": (
        document(goal_rule(when="all", of=[OF, {"when": "any", "of": [OF, OF]}])),
        'rules[0].of[1].when: "any" is not allowed here; allowed: goal_unmet, pause_too_long',
    ),
    "a glob of 10,000 stars": (
        document(goal_rule(scope={"recording_names": ["*" * 10_000]})),
        "rules[0].scope.recording_names[0]: must have at most 200 characters",
    ),
    "5 MB": (json.dumps(document()) + " " * 5_000_000, "document: has over 400,000 bytes, which is too much"),
    "not UTF-8": ("\u201cüber\u201d".encode("cp1252"), "document: is not UTF-8; save the file in that encoding"),
    "UTF-16": (json.dumps(document()).encode("utf-16"), "document: is not UTF-8; save the file in that encoding"),
    "not JSON": ("{", "document: is not JSON: EOF while parsing"),
    "nothing": ("", "document: is not JSON: EOF while parsing"),
    "too long to be stored": (
        document(*(goal_rule(id=f"r{number}", help="x" * 200) for number in range(40))),
        "document: has 10,573 bytes without blanks; Parameter Store takes 8,192",
    ),
}


@pytest.mark.parametrize(("content", "line"), BAD.values(), ids=BAD)
def test_bad_input_is_told_in_one_sentence(write: Write, content: Any, line: str) -> None:
    done = ica("rules", "validate", write("rules.json", content))
    assert done.code == 2
    assert [told[: len(line)] for told in done.out.splitlines()] == [line]
    assert done.err.endswith("rules.json is refused as a whole: 1 fault.\n")


def test_a_mark_of_the_byte_order_is_no_fault(write: Write) -> None:
    assert ica("rules", "validate", write("rules.json", json.dumps(document()).encode("utf-8-sig"))).code == 0


@pytest.mark.parametrize(("name", "why"), [("none.json", "No such file or directory"), ("", "Is a directory")])
def test_a_file_that_cannot_be_read_is_told(tmp_path: Path, name: str, why: str) -> None:
    done = ica("rules", "validate", tmp_path / name)
    assert (done.code, done.out) == (2, "")
    assert done.err == f"{tmp_path / name} cannot be read: {why}.\n"


@pytest.mark.parametrize("command", ["validate", "test", "diff", "push", "show"])
def test_help_lists_each_command_and_has_an_example(command: str) -> None:
    listed = [line for line in ica("--help").out.splitlines() if " rules " in line]
    assert command in listed[0]
    assert command in ica("rules", "--help").out
    assert f"Example: ica rules {command} " in ica("rules", command, "--help").out
