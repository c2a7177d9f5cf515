"""The judgement: which violations there are, and in which order."""

import pytest

from domain.errors import Unusable
from domain.recording import MAX_FINDINGS, Results
from domain.rules.call import Call
from domain.rules.judge import judge, judge_shadow
from domain.rules.violation import Severity
from tests.fakes.make import body, call, goal, goal_rule, pause, pause_rule, rules


def test_the_most_severe_come_first_and_else_the_order_of_rules_and_results() -> None:
    rule_set = rules(
        pause_rule(id="quiet", severity="info"),
        goal_rule(id="any-goal", severity="warning"),
        goal_rule(id="greeting", severity="critical", goal_ids=[2]),
    )
    judged = judge(rule_set, call(goal(1), goal(2), pause())).violations
    assert [(each.rule_id, each.subject) for each in judged] == [
        ("greeting", "goal:2"),
        ("any-goal", "goal:1"),
        ("any-goal", "goal:2"),
        ("quiet", "pause:95000-102000"),
    ]
    assert judged[0].severity is Severity.CRITICAL


def test_the_same_subject_twice_is_one_violation_of_a_rule() -> None:
    judged = judge(rules(goal_rule(), pause_rule()), call(goal(1), goal(1), pause(), pause())).violations
    assert [each.subject for each in judged] == ["goal:1", "pause:95000-102000"]


def test_no_rules_find_nothing() -> None:
    assert judge(rules(), call(goal(), pause())).violations == ()


def test_more_violations_than_a_call_can_have_are_refused_and_not_ignored() -> None:
    pauses = [pause(9_000, start_ms=number) for number in range(MAX_FINDINGS // 2 + 1)]
    with pytest.raises(Unusable, match=f"Recording 123: more than {MAX_FINDINGS} violations"):
        judge(rules(pause_rule(id="a"), pause_rule(id="b")), call(*pauses))
    assert len(judge(rules(pause_rule()), call(*pauses)).violations) == MAX_FINDINGS // 2 + 1


KEYWORD = {"id": "k", "when": "keyword_missing", "severity": "critical", "keyword_names": ["consent"]}


class TestUnjudged:
    def test_a_rule_that_lacks_a_fact_is_named_and_the_others_judge(self) -> None:
        judged = judge(rules(KEYWORD, goal_rule()), call(goal()))
        assert [violation.rule_id for violation in judged.violations] == ["g"]
        assert judged.unjudged == ("k",)

    def test_goals_that_may_still_come_leave_a_goal_rule_unjudged(self) -> None:
        judged = judge(rules(goal_rule(), pause_rule()), call(pause(), goals_known=False))
        assert ([each.rule_id for each in judged.violations], judged.unjudged) == (["p"], ("g",))

    def test_a_shadow_rule_raises_nothing(self) -> None:
        in_shadow = rules(KEYWORD | {"mode": "shadow"}, pause_rule(id="a", mode="shadow"), goal_rule(mode="shadow"))
        pauses = (pause(9_000, start_ms=number) for number in range(MAX_FINDINGS))
        judged = judge_shadow(in_shadow, Call(Results.model_validate(body(123, goal(), *pauses)), b"malformed"))
        assert judged.unjudged == ("k", "g")
        assert len(judged.violations) > MAX_FINDINGS


def test_each_rule_counts_in_its_mode_alone() -> None:
    modes = rules(goal_rule(), goal_rule(id="s", mode="shadow"), goal_rule(id="o", mode="off"))
    assert [each.rule_id for each in judge(modes, call(goal())).violations] == ["g"]
    assert [each.rule_id for each in judge_shadow(modes, call(goal())).violations] == ["s"]


def test_a_violation_carries_the_help_of_its_rule() -> None:
    (violation,) = judge(rules(goal_rule(help="Call back.")), call(goal())).violations
    assert violation.help == "Call back."
