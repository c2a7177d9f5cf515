"""Each kind of rule: where it fires, where it does not, and the boundary between."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import Unusable
from domain.recording import MAX_FINDINGS
from domain.rules.document import RuleSet, default_rules
from domain.rules.violation import Severity
from tests.fakes.make import goal, pause, results


def rules(*each: dict[str, Any]) -> RuleSet:
    return RuleSet.model_validate({"version": 1, "rules": list(each)})


def goal_rule(**fields: Any) -> dict[str, Any]:
    return {"id": "g", "when": "goal_unmet", "severity": "warning"} | fields


def pause_rule(longer_than_ms: int = 5_000, **fields: Any) -> dict[str, Any]:
    return {"id": "p", "when": "pause_too_long", "severity": "warning", "longer_than_ms": longer_than_ms} | fields


GOAL_CASES = [
    # the rule's fields, the goal, does it fire
    ({}, goal(met=False), True),
    ({}, goal(met=True), False),
    ({}, goal(met=True, score=0.0), False),
    ({}, goal(met=False, score=1.0), True),
    ({"goal_ids": [1, 7]}, goal(7), True),
    ({"goal_ids": [1, 7]}, goal(8), False),
    ({"goal_ids": [1, 7]}, goal(7, met=True), False),
    ({"goal_names": ["Offer Follow-up"]}, goal(name="Offer Follow-up"), True),
    ({"goal_names": ["offer follow-up "]}, goal(name=" OFFER Follow-Up"), True),
    ({"goal_names": ["Straße"]}, goal(name="STRASSE"), True),
    ({"goal_names": ["Offer"]}, goal(name="Offer Follow-up"), False),
    ({"goal_names": ["Offer Follow-up"]}, goal(name="Offer Follow-up", met=True), False),
    ({"goal_ids": [1], "goal_names": ["Greeting"]}, goal(1, name="Other"), True),
    ({"goal_ids": [1], "goal_names": ["Greeting"]}, goal(2, name="greeting"), True),
    ({"goal_ids": [1], "goal_names": ["Greeting"]}, goal(2, name="Other"), False),
    ({"score_below": 0.5}, goal(score=0.49), True),
    ({"score_below": 0.5}, goal(score=0.5), False),
    ({"score_below": 0.5}, goal(score=0.51), False),
    ({"score_below": 0.5}, goal(score=0.1, met=True), False),
    ({"score_below": 1}, goal(score=0.999), True),
    ({"score_below": 0.5, "goal_ids": [2]}, goal(1, score=0.1), False),
    ({"enabled": False}, goal(), False),
]


@pytest.mark.parametrize(("fields", "found", "fires"), GOAL_CASES)
def test_goal_unmet(fields: dict[str, Any], found: dict[str, Any], fires: bool) -> None:
    subjects = [violation.subject for violation in rules(goal_rule(**fields)).judge(results(found))]
    assert subjects == ([f"goal:{found['goal_id']}"] if fires else [])


PAUSE_CASES = [
    # the rule, the pause, does it fire
    (pause_rule(5_000), pause(4_999), False),
    (pause_rule(5_000), pause(5_000), False),
    (pause_rule(5_000), pause(5_001), True),
    (pause_rule(5_000), pause(5_001, compliant=True), False),
    (pause_rule(5_000), pause(3_600_000, compliant=True), False),
    (pause_rule(0), pause(0), False),
    (pause_rule(0), pause(1), True),
    (pause_rule(0), pause() | {"duration_ms": -1}, False),
    (pause_rule(2**63 - 1), pause() | {"duration_ms": 2**63 - 1}, False),
    (pause_rule(5_000, enabled=False), pause(9_000), False),
    # The vendor's duration decides, whatever start and end would make of it.
    (pause_rule(5_000), pause() | {"start_ms": 0, "end_ms": 0, "duration_ms": 5_001}, True),
]


@pytest.mark.parametrize(("rule", "found", "fires"), PAUSE_CASES)
def test_pause_too_long(rule: dict[str, Any], found: dict[str, Any], fires: bool) -> None:
    subjects = [violation.subject for violation in rules(rule).judge(results(found))]
    assert subjects == ([f"pause:{found['start_ms']}-{found['end_ms']}"] if fires else [])


@given(limit=st.integers(0, 2**62), beyond=st.integers(-1_000, 1_000))
def test_only_what_is_over_the_limit_is_too_long(limit: int, beyond: int) -> None:
    fired = rules(pause_rule(limit)).judge(results(pause() | {"duration_ms": limit + beyond}))
    assert bool(fired) is (beyond > 0)


def test_the_defaults_are_any_goal_and_any_pause_over_the_setting() -> None:
    fired = default_rules(6_999).judge(results(goal(1, met=True), goal(3), pause(7_000), pause(6_999, start_ms=1)))
    assert [(each.rule_id, each.subject, each.severity) for each in fired] == [
        ("unmet-goal", "goal:3", "warning"),
        ("long-pause", "pause:95000-102000", "warning"),
    ]


def test_the_most_severe_come_first_and_else_the_order_of_rules_and_results() -> None:
    judged = rules(
        pause_rule(id="quiet", severity="info"),
        goal_rule(id="any-goal", severity="warning"),
        goal_rule(id="greeting", severity="critical", goal_ids=[2]),
    ).judge(results(goal(1), goal(2), pause()))
    assert [(each.rule_id, each.subject) for each in judged] == [
        ("greeting", "goal:2"),
        ("any-goal", "goal:1"),
        ("any-goal", "goal:2"),
        ("quiet", "pause:95000-102000"),
    ]
    assert judged[0].severity is Severity.CRITICAL


def test_the_same_subject_twice_is_one_violation_of_a_rule() -> None:
    judged = rules(goal_rule(), pause_rule()).judge(results(goal(1), goal(1), pause(), pause()))
    assert [each.subject for each in judged] == ["goal:1", "pause:95000-102000"]


def test_no_rules_find_nothing() -> None:
    assert rules().judge(results(goal(), pause())) == ()


def test_more_violations_than_a_call_can_have_are_refused_and_not_ignored() -> None:
    pauses = [pause(9_000, start_ms=number) for number in range(MAX_FINDINGS // 2 + 1)]
    with pytest.raises(Unusable, match=f"Recording 123: more than {MAX_FINDINGS} violations"):
        rules(pause_rule(id="a"), pause_rule(id="b")).judge(results(*pauses))
    assert len(rules(pause_rule()).judge(results(*pauses))) == MAX_FINDINGS // 2 + 1


@pytest.mark.parametrize(
    ("rule_set", "waits"),
    [
        (default_rules(5_000), True),
        (rules(pause_rule()), False),
        (rules(), False),
        (rules(pause_rule(), goal_rule(enabled=False)), False),
        (rules(pause_rule(), goal_rule(goal_ids=[7])), True),
    ],
)
def test_only_a_rule_set_with_goal_rules_in_force_waits_for_goals(rule_set: RuleSet, waits: bool) -> None:
    assert rule_set.reads_goals is waits


def test_the_digest_names_the_rules_in_force() -> None:
    assert rules(goal_rule()).digest == rules(goal_rule()).digest == rules(goal_rule(enabled=True)).digest
    changed = [goal_rule(severity="info"), goal_rule(id="h"), goal_rule(enabled=False), goal_rule(score_below=0.5)]
    digests = {rules(each).digest for each in [goal_rule(), *changed]}
    assert len(digests) == 5
