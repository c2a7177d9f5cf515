"""The judgement: which violations there are, and in which order."""

import pytest

from domain.errors import Unusable
from domain.recording import MAX_FINDINGS
from domain.rules.judge import judge
from domain.rules.violation import Severity
from tests.fakes.make import call, goal, goal_rule, pause, pause_rule, rules


def test_the_most_severe_come_first_and_else_the_order_of_rules_and_results() -> None:
    rule_set = rules(
        pause_rule(id="quiet", severity="info"),
        goal_rule(id="any-goal", severity="warning"),
        goal_rule(id="greeting", severity="critical", goal_ids=[2]),
    )
    judged = judge(rule_set, call(goal(1), goal(2), pause()))
    assert [(each.rule_id, each.subject) for each in judged] == [
        ("greeting", "goal:2"),
        ("any-goal", "goal:1"),
        ("any-goal", "goal:2"),
        ("quiet", "pause:95000-102000"),
    ]
    assert judged[0].severity is Severity.CRITICAL


def test_the_same_subject_twice_is_one_violation_of_a_rule() -> None:
    judged = judge(rules(goal_rule(), pause_rule()), call(goal(1), goal(1), pause(), pause()))
    assert [each.subject for each in judged] == ["goal:1", "pause:95000-102000"]


def test_no_rules_find_nothing() -> None:
    assert judge(rules(), call(goal(), pause())) == ()


def test_more_violations_than_a_call_can_have_are_refused_and_not_ignored() -> None:
    pauses = [pause(9_000, start_ms=number) for number in range(MAX_FINDINGS // 2 + 1)]
    with pytest.raises(Unusable, match=f"Recording 123: more than {MAX_FINDINGS} violations"):
        judge(rules(pause_rule(id="a"), pause_rule(id="b")), call(*pauses))
    assert len(judge(rules(pause_rule()), call(*pauses))) == MAX_FINDINGS // 2 + 1
