"""`all` and `any`: they agree with their parts, also where a part cannot be judged, and read as one finding."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.slack.message import render
from domain.alerts import alert as alerts
from domain.alerts.alert import Alert, email_text
from domain.errors import RulesInvalid, Unusable
from domain.recording import Results
from domain.rules.call import Call
from domain.rules.document import parse_rules
from domain.rules.judge import judge
from tests.fakes.make import JUDGED_AT, body, call, details, goal, keyword, pause, rules

UNMET = {"when": "goal_unmet"}
LONG = {"when": "pause_too_long", "longer_than_ms": 5_000}
SAID = {"when": "keyword_said", "keyword_names": ["refund"]}


def combined(kind: str, *conditions: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"id": kind, "when": kind, "severity": "critical", "of": list(conditions)} | fields


CONDITIONS = [
    UNMET,
    {"when": "goal_unmet", "score_below": 0.2},
    LONG,
    {"when": "silence_too_much", "longer_than_ms": 6_000},
    {"when": "silence_too_much", "share_above": 0.1},
    SAID,
    {"when": "keyword_said", "keyword_names": ["refund"], "within_first_ms": 5_000},
    {"when": "keyword_missing", "keyword_names": ["consent"]},
]
FOUND = st.lists(
    st.sampled_from([goal(), goal(2, score=0.1), pause(), pause(6_500, start_ms=1), keyword(), keyword(8, "consent")]),
    max_size=4,
)
KNOWN = st.sampled_from([None, details(duration_ms=None), details(duration_ms=10_000)])


@given(
    conditions=st.lists(st.sampled_from(CONDITIONS), min_size=2, max_size=8),
    found=FOUND,
    known=KNOWN,
    goals_known=st.booleans(),
)
def test_they_agree_with_their_parts(
    conditions: list[dict[str, Any]], found: list[dict[str, Any]], known: Any, goals_known: bool
) -> None:
    """A part as a rule of its own is met, unmet or unjudged. `all` and `any` follow, whatever the order."""
    judged_call = call(*found, known=known, goals_known=goals_known)
    met, unjudged = set(), set()
    for number, condition in enumerate(conditions):
        judged = judge(rules({"id": "part", "severity": "info"} | condition), judged_call)
        if judged.violations:
            met.add(number)
        elif judged.unjudged:
            unjudged.add(number)
    unmet = len(conditions) - len(met) - len(unjudged)
    both = judge(rules(combined("all", *conditions), combined("any", *conditions)), judged_call)
    fired = {violation.rule_id: violation.finding for violation in both.violations}
    assert ("all" in fired, "all" in both.unjudged) == (len(met) == len(conditions), not unmet and bool(unjudged))
    assert ("any" in fired, "any" in both.unjudged) == (bool(met), not met and bool(unjudged))
    for finding in fired.values():
        assert finding.subject == "call"
        assert len(finding.model_dump()["of"]) == len(met)


@pytest.mark.parametrize("kind", ["all", "any"])
@pytest.mark.parametrize("conditions", [(LONG, SAID), (SAID, LONG), (UNMET, SAID)])
@pytest.mark.parametrize("found", [[goal(), pause()], []])
def test_a_malformed_body_raises_whatever_the_other_parts_say(
    kind: str, conditions: tuple[dict[str, Any], ...], found: list[dict[str, Any]]
) -> None:
    with pytest.raises(Unusable):
        judge(rules(combined(kind, *conditions)), Call(Results.model_validate(body(123, *found)), b"[{}]"))


@pytest.mark.parametrize(
    ("rule", "waits_for_goals", "reads_details"),
    [
        (combined("any", LONG, SAID), False, False),
        (combined("any", LONG, UNMET), True, False),
        (combined("all", LONG, {"when": "silence_too_much", "share_above": 0.5}), False, True),
        (combined("all", UNMET, {**SAID, "within_last_ms": 5}), True, True),
        (combined("all", UNMET, {**SAID, "within_last_ms": 5}, mode="shadow"), False, False),
    ],
)
def test_they_need_what_their_parts_need(rule: dict[str, Any], waits_for_goals: bool, reads_details: bool) -> None:
    assert (rules(rule).reads_goals, rules(rule).reads_details) == (waits_for_goals, reads_details)


ERRORS: dict[str, tuple[list[Any], str]] = {
    # the conditions → the fault
    "no condition": ([], r"of: must have at least 2 in it, not a list of 0"),
    "one condition": ([LONG], r"of: must have at least 2"),
    "nine conditions": ([LONG] * 9, r"of: must have at most 8"),
    "a condition that is a text": ([LONG, "x"], r'of\[1\]: must be an object, not "x"$'),
    "no kind": ([LONG, {}], r"of\[1\]\.when: is missing; allowed: goal_unmet, [^:]*_missing$"),
    "nested": ([LONG, combined("all", LONG, LONG)], r'of\[1\]\.when: "all" is not allowed here; allowed: goal_'),
    "an id": ([LONG, UNMET | {"id": "x"}], r"of\[1\]\.id: is not a field here; .*when, goal_ids"),
    "a fault of its own": ([LONG, LONG | {"longer_than_ms": -1}], r"of\[1\]\.longer_than_ms: must be at"),
    "a fault of two fields": ([LONG, {"when": "silence_too_much"}], r"of\[1\]\.longer_than_ms: give one"),
}


@pytest.mark.parametrize(("conditions", "fault"), ERRORS.values(), ids=ERRORS)
def test_the_document_is_refused_with_the_place_named(conditions: list[Any], fault: str) -> None:
    with pytest.raises(RulesInvalid, match=rf" rules\[0\]\.{fault}"):
        parse_rules(json.dumps({"version": 1, "rules": [combined("any", *conditions)]}))


def test_an_alert_of_both_reads_well() -> None:
    two = rules(combined("all", UNMET, LONG), combined("any", UNMET, SAID, severity="info"))
    violations = judge(two, call(goal(3, why="No <offer>."), pause())).violations
    alert = Alert.model_validate_json(alerts.compose(123, violations, None, JUDGED_AT).model_dump_json())
    unmet, long = "Goal not met: Offer Follow-up, score 0.30", "Pause too long: 7.0 s at 1:35, limit 5.0 s"
    evidence = json.loads(alert.model_dump_json())["violations"][0]["evidence"]
    assert [part["summary"] for part in evidence["of"]] == [unmet, long]
    assert evidence == {"kind": "all", "of": evidence["of"]}
    assert [part["evidence"]["kind"] for part in evidence["of"]] == ["goal_unmet", "pause_too_long"]
    assert email_text(alert).splitlines()[:6] == [
        "Critical: several conditions at once and one of several conditions in recording 123.",
        "",
        f"- All of these: {unmet}; {long}",
        "  No <offer>.",
        f"- One of several conditions: {unmet}",
        "  No <offer>.",
    ]
    assert [block.to_dict()["text"]["text"] for block in render(alert).blocks[1:3]] == [
        f"*All of these:* {unmet}; {long} (2 conditions met)\n> No &lt;offer&gt;.",
        f"*One of several conditions:* {unmet} (1 condition met)\n> No &lt;offer&gt;.",
    ]
