"""`ica rules show`: what is in force, since when, and what was before; the document alone is on standard output."""

import json

from domain.rules.document import default_rules, parse_rules
from tests.fakes.ica import ica
from tests.fakes.make import goal_rule, pause_rule
from tests.integration.ica.conftest import ENTRY, STACK, Deployed

FIRST = {"version": 1, "rules": [goal_rule(help="Grüße")]}
SECOND = {"version": 1, "rules": [pause_rule()]}


def test_without_a_stored_document_the_default_rules_are_shown(deployed: Deployed) -> None:
    done = ica("rules", "show", "--stack", STACK)
    digest = default_rules(4_000).digest
    assert (done.code, done.err) == (0, f"No rules are stored: the two default rules hold. Digest {digest}.\n")
    assert done.json == {
        "version": 1,
        "rules": [
            {"id": "unmet-goal", "severity": "warning", "when": "goal_unmet"},
            {"id": "long-pause", "severity": "warning", "when": "pause_too_long", "longer_than_ms": 4_000},
        ],
    }
    assert parse_rules(done.out).digest == digest


def test_the_document_in_force_is_shown_with_its_version(deployed: Deployed) -> None:
    deployed.put(FIRST)
    deployed.put(SECOND, Description="stored by force: the tests lag behind")
    done = ica("rules", "show", "--stack", STACK)
    assert (done.code, done.json) == (0, SECOND)
    assert done.err.startswith(f"{ENTRY} version 2, in force since 2")
    assert f"Digest {parse_rules(done.out).digest}.\nstored by force: the tests lag behind\n" in done.err


def test_an_older_version_is_shown(deployed: Deployed) -> None:
    deployed.put(FIRST)
    deployed.put(SECOND)
    done = ica("rules", "show", "--version", 1, "--stack", STACK)
    assert (done.code, done.json) == (0, FIRST)
    assert done.err.startswith(f"{ENTRY} version 1, no longer in force; stored on 2")


def test_programs_get_all_of_it(deployed: Deployed) -> None:
    default = ica("rules", "show", "--stack", STACK, "-o", "json").json
    assert (default["source"], default["in_force"], default["digest"]) == ("default", True, default_rules(4_000).digest)
    deployed.put(FIRST)
    found = ica("rules", "show", "--stack", STACK, "-o", "json").json
    assert found["document"] == FIRST
    assert found["digest"] == parse_rules(json.dumps(FIRST)).digest
    assert (found["source"], found["version"], found["in_force"]) == ("stored", 1, True)
    assert found["since"].endswith("+00:00")


def test_a_version_that_does_not_exist_is_told(deployed: Deployed) -> None:
    done = ica("rules", "show", "--version", 9, "--stack", STACK)
    assert (done.code, done.err) == (2, f"{ENTRY} has no version 9; nothing is stored.\n")
    deployed.put(FIRST)
    done = ica("rules", "show", "--version", 9, "--stack", STACK)
    assert (done.code, done.err) == (2, f"{ENTRY} has no version 9; it has 1 to 1.\n")


def test_a_stored_document_that_is_refused_is_shown_with_its_faults(deployed: Deployed) -> None:
    deployed.put("{")
    done = ica("rules", "show", "--stack", STACK)
    assert (done.code, done.out) == (1, "{\n")
    assert done.err.startswith(
        f"{ENTRY} version 1 is refused as a whole, and events wait until it is mended:\n  document:"
    )
    found = ica("rules", "show", "--stack", STACK, "-o", "json")
    assert (found.code, found.json["text"], found.json["faults"][0]["path"]) == (1, "{", "document")


def test_a_blank_document_counts_as_none(deployed: Deployed) -> None:
    deployed.put("  ")
    done = ica("rules", "show", "--stack", STACK)
    assert (done.code, done.json["rules"][1]["longer_than_ms"]) == (0, 4_000)
    assert done.err.startswith(f"{ENTRY} version 1 is blank: the two default rules hold, in force since 2")
