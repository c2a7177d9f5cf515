"""`ica rules diff`: a document against the stored one, against the default rules, or against another file."""

from tests.fakes.ica import ica
from tests.fakes.make import goal_rule, pause_rule
from tests.integration.ica.conftest import STACK, Deployed, Write

BEFORE = {"version": 1, "rules": [goal_rule(goal_names=["A", "B"]), pause_rule(), {**goal_rule(), "id": "old"}]}
AFTER = {
    "version": 1,
    "rules": [
        {"id": "new", "when": "silence_too_much", "share_above": 0.4, "severity": "info", "mode": "shadow"},
        pause_rule(8_000, help="Call\u202eback."),
        goal_rule(goal_names=["C", "A"]),
    ],
}


def test_a_document_is_compared_with_another_file_without_a_stack(write: Write) -> None:
    done = ica("rules", "diff", write("after.json", AFTER), "--against", write("before.json", BEFORE))
    assert (done.code, done.err) == (0, "")
    head, *lines = done.out.splitlines()
    assert " → " in head
    assert lines == [
        "+ new",
        '    severity: "info"',
        '    when: "silence_too_much"',
        "    share_above: 0.4",
        '    mode: "shadow"',
        "- old (goal_unmet, warning)",
        "~ p",
        "    longer_than_ms: 5000 → 8000",
        '    help: absent → "Call back."',
        "~ g",
        '    goal_names: + "C", - "B"',
        "~ the order of the rules: it sorts an alert, and judges nothing",
    ]


def test_programs_get_the_same(write: Write) -> None:
    found = ica("rules", "diff", write("a.json", AFTER), "--against", write("b.json", BEFORE), "-o", "json").json
    assert found["before"]["name"].endswith("b.json")
    assert [rule["id"] for rule in found["added"]] == ["new"]
    assert found["removed"] == [goal_rule() | {"id": "old"}]
    assert found["changed"][0]["fields"][0] == {"field": "longer_than_ms", "before": 5_000, "after": 8_000}
    assert found["reordered"] is True


def test_without_a_stored_document_the_default_rules_are_compared(write: Write, deployed: Deployed) -> None:
    path = write("rules.json", {"version": 1, "rules": [pause_rule(id="long-pause")]})
    done = ica("rules", "diff", path, "--stack", STACK)
    assert done.code == 0
    assert done.out.splitlines()[0].startswith("the two default rules (digest ")
    assert done.out.splitlines()[1:] == [
        "- unmet-goal (goal_unmet, warning)",
        "~ long-pause",
        "    longer_than_ms: 4000 → 5000",
    ]


def test_the_stored_document_is_compared(write: Write, deployed: Deployed) -> None:
    deployed.put(AFTER)
    done = ica("rules", "diff", write("rules.json", AFTER), "--stack", STACK)
    assert done.out.splitlines()[0].startswith("/alerts/rules version 1 (digest ")
    assert done.out.splitlines()[1:] == ["Both judge alike."]
    assert len(deployed.versions()) == 1


def test_a_stored_document_that_is_refused_is_told(write: Write, deployed: Deployed) -> None:
    deployed.put({"version": 1, "rules": [pause_rule(-1)]})
    done = ica("rules", "diff", write("rules.json", AFTER), "--stack", STACK)
    assert (done.code, done.out) == (2, "")
    assert done.err == (
        "/alerts/rules version 1 is refused as a whole, and events wait until it is mended:\n"
        "  rules[0].longer_than_ms: must be at least 0, not -1\n"
    )
