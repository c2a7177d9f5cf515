"""`ica rules push`: stored only if the document is valid, its tests pass and the operator agrees."""

import json
from pathlib import Path
from typing import Any

import pytest

from cli.rules import push as push_module
from domain.rules.violation import fingerprint
from tests.fakes.ica import Done, ica
from tests.fakes.make import body, goal, goal_rule, pause, pause_rule
from tests.integration.ica.conftest import ENTRY, STACK, Deployed, Write

DOCUMENT = {"$schema": "rules.schema.json", "version": 1, "rules": [goal_rule(help="Grüße ausrichten.")]}
STORED = '{"version":1,"rules":[{"id":"g","when":"goal_unmet","severity":"warning","help":"Grüße ausrichten."}]}'
FIRES = {"name": "unmet", "rule": "g", "results": body(1, goal()), "expect": "fires"}
SILENT = {"name": "met", "rule": "g", "results": body(1, goal(met=True)), "expect": "silent"}
PAUSE = pause()
FAILS = SILENT | {"expect": "fires"}


@pytest.fixture
def pushed(write: Write, deployed: Deployed) -> Any:
    """Push a document with these tests, its question answered at a terminal: the command's result."""

    def pushed(
        *options: str, document: Any = DOCUMENT, tests: Any = (FIRES, SILENT), answer: str | None = None
    ) -> Done:
        path = write("rules.json", document)
        if tests is not None:
            write("rules.tests.json", {"tests": list(tests)})
        return ica("rules", "push", path, "--stack", STACK, *options, answer=answer)

    return pushed


def test_it_shows_what_it_would_do_asks_and_stores(pushed: Any, deployed: Deployed) -> None:
    done = pushed(answer="y")
    assert done.code == 0
    assert "2 cases, each as expected.\n" in done.err
    assert "the two default rules (digest" in done.err
    assert "\n+ g\n" in done.err
    assert f"rules.json as {ENTRY}? [y/N]: " in done.err
    assert done.out.startswith(f"Stored as {ENTRY} version 1 (digest ")
    assert done.out.endswith("). It is in force within a minute.\n")
    (stored,) = deployed.versions()
    assert (stored["Name"], stored["Value"], stored["Type"]) == (ENTRY, STORED, "String")
    assert stored["Tier"] == "Intelligent-Tiering"
    assert stored["Description"].startswith("Alert rules, digest ")


@pytest.mark.parametrize("answer", ["n", "", "perhaps"])
def test_without_agreement_nothing_changes(pushed: Any, deployed: Deployed, answer: str) -> None:
    done = pushed(answer=answer)
    assert (done.code, done.out, deployed.versions()) == (0, "", [])
    assert done.err.endswith("Nothing was changed.\n")


def test_where_nobody_can_answer_it_shows_all_and_changes_nothing(pushed: Any, deployed: Deployed) -> None:
    done = pushed()
    assert (done.code, done.out, deployed.versions()) == (2, "", [])
    assert "\n+ g\n" in done.err
    assert done.err.endswith("Nothing was changed: nobody can answer here. Say --yes to agree beforehand.\n")


def test_yes_answers_and_programs_get_the_version(pushed: Any, deployed: Deployed) -> None:
    deployed.put({"version": 1, "rules": [pause_rule()]})
    done = pushed("--yes", "-o", "json")
    assert (done.code, done.json["version"], done.json["stored"]) == (0, 2, True)
    assert "- p (pause_too_long, warning)\n" in done.err
    assert deployed.versions()[-1]["Value"] == STORED


def test_the_same_document_is_not_stored_again(pushed: Any, deployed: Deployed) -> None:
    pushed("--yes")
    done = pushed("--yes")
    assert (done.code, done.out, len(deployed.versions())) == (0, "", 1)
    assert done.err.endswith(f"{ENTRY} version 1 is this very document: nothing to store.\n")


def test_a_stored_document_that_is_refused_is_mended(pushed: Any, deployed: Deployed) -> None:
    deployed.put("{")
    done = pushed("--yes")
    assert done.code == 0
    assert f"{ENTRY} version 1 is refused as a whole" in done.err
    assert deployed.versions()[-1]["Value"] == STORED


@pytest.mark.parametrize(
    ("tests", "code", "why"),
    [
        ((FIRES, SILENT, FAILS), 1, "Nothing was stored: its tests fail. To store it all the same: --force WHY.\n"),
        ((FIRES,), 1, "Nothing was stored: its tests fail. To store it all the same: --force WHY.\n"),
        (None, 2, "rules.tests.json cannot be read: No such file or directory.\n"),
        ((FIRES | {"rule": "h"},), 2, 'tests[0].rule: "h" is no rule of the document; allowed: g\n'),
    ],
)
def test_nothing_is_stored_where_its_tests_do_not_pass_unless_forced(
    pushed: Any, deployed: Deployed, tests: Any, code: int, why: str
) -> None:
    done = pushed("--yes", tests=tests)
    assert (done.code, done.out, deployed.versions()) == (code, "", [])
    assert done.err.endswith(why)
    forced = pushed("--yes", "--force", "the goal was\nrenamed", tests=tests)
    assert forced.code == 0
    assert deployed.versions()[0]["Description"].endswith("; stored by force: the goal was renamed")


def test_nothing_is_stored_where_confirmed_violations_of_the_last_month_would_be_lost(
    pushed: Any, deployed: Deployed
) -> None:
    deployed.judged(
        1, body(1, pause()), confirmed=fingerprint("long-pause", f"pause:{PAUSE['start_ms']}-{PAUSE['end_ms']}")
    )
    done = pushed("--yes")
    assert (done.code, done.out, deployed.versions()) == (1, "", [])
    assert "By the supervisors' answers: removes 0 false alarms, loses 1 confirmed.\n" in done.err
    assert done.err.endswith(
        "1 confirmed violation would be lost; 0 may be (--may-lose).\n"
        "Nothing was stored: the backtest loses confirmed violations. To store it all the same: --force WHY.\n"
    )
    assert pushed("--yes", "--force", "that rule was wrong").code == 0


@pytest.mark.parametrize(
    ("document", "fault"),
    [
        ({"version": 1, "rules": [pause_rule(-1)]}, "rules[0].longer_than_ms: must be at least 0, not -1"),
        (
            {"version": 1, "rules": [goal_rule(id=f"r{number}", help="x" * 200) for number in range(40)]},
            "document: has 10,573 bytes without blanks; Parameter Store takes 8,192",
        ),
    ],
)
def test_what_is_not_valid_is_not_stored_whatever_the_force(
    pushed: Any, deployed: Deployed, document: Any, fault: str
) -> None:
    done = pushed("--yes", "--force", "I know better", document=document)
    assert (done.code, done.out, deployed.versions()) == (2, "", [])
    assert done.err.endswith(f"rules.json is refused as a whole:\n  {fault}\n")


def test_a_force_says_why(pushed: Any, deployed: Deployed) -> None:
    done = pushed("--yes", "--force", " ")
    assert (done.code, deployed.versions()) == (2, [])
    assert done.err == "Say why: --force WHY. It is kept with the document.\n"


def test_a_document_that_was_stored_meanwhile_is_not_replaced(
    pushed: Any, deployed: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployed.put({"version": 1, "rules": []})

    def agree_late(_question: str, *, yes: bool) -> bool:
        deployed.put({"version": 1, "rules": []})
        return yes

    monkeypatch.setattr(push_module, "agreed_to_change", agree_late)
    done = pushed("--yes")
    assert (done.code, done.out, len(deployed.versions())) == (1, "", 2)
    assert done.err.endswith(f"{ENTRY} was changed meanwhile. Nothing was stored; look again.\n")


def test_a_document_of_8_kb_fits(pushed: Any, deployed: Deployed) -> None:
    document: dict[str, Any] = {"version": 1, "rules": [goal_rule(id=f"r{n}", mode="shadow") for n in range(50)]}
    room = 8_192 - len(json.dumps(document, separators=(",", ":"), ensure_ascii=False))
    for rule in document["rules"]:
        if room > len(',"help":"ü"'):
            told = min(room - len(',"help":""'), 200)
            rule["help"] = "ü" * (told // 2) + "x" * (told % 2)
            room -= len(',"help":""') + told
    done = pushed("--yes", document=document, tests=())
    assert done.code == 0, done.err
    assert len(deployed.versions()[0]["Value"].encode()) == 8_192


@pytest.mark.parametrize("command", ["diff", "push", "show"])
class TestWhereNoStackAnswers:
    def arguments(self, command: str, write: Write) -> list[Path]:
        write("rules.tests.json", {"tests": [FIRES, SILENT]})
        return [] if command == "show" else [write("rules.json", DOCUMENT)]

    def test_a_stack_that_does_not_exist_is_told(self, command: str, write: Write, deployed: Deployed) -> None:
        done = ica("rules", command, *self.arguments(command, write), "--stack", "none", answer="y")
        assert (done.code, done.out, deployed.versions()) == (3, "", [])
        assert done.err.endswith(
            "There is no stack named none in eu-central-1. Is it another name, or another region?\n"
        )

    def test_missing_credentials_are_told(
        self, command: str, write: Write, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
        monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
        monkeypatch.setenv("AWS_REGION", "eu-central-1")
        done = ica("rules", command, *self.arguments(command, write), "--stack", STACK, answer="y")
        assert (done.code, done.out) == (3, "")
        assert done.err.endswith("No AWS credentials are found. Log in (`aws login`), or set AWS_PROFILE.\n")
