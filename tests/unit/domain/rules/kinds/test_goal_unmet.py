"""`goal_unmet`: where it fires, where it does not, the boundary between, and how it reads."""

from typing import Any

import pytest

from domain.rules.judge import judge
from domain.rules.violation import Violation
from tests.fakes.make import call, goal, goal_rule, rules, unmet

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
def test_the_rule_fires_or_not(fields: dict[str, Any], found: dict[str, Any], fires: bool) -> None:
    subjects = [violation.subject for violation in judge(rules(goal_rule(**fields)), call(found)).violations]
    assert subjects == ([f"goal:{found['goal_id']}"] if fires else [])


@pytest.mark.parametrize(
    ("violation", "subject", "summary"),
    [
        (unmet(3), "goal:3", "Goal not met: Offer Follow-up, score 0.30"),
        (unmet(3, name=" \n"), "goal:3", "Goal not met: goal 3, score 0.30"),
        (unmet(3, name="a\nb"), "goal:3", "Goal not met: a b, score 0.30"),
    ],
)
def test_the_violation_has_its_subject_and_summary(violation: Violation, subject: str, summary: str) -> None:
    assert (violation.subject, violation.summary) == (subject, summary)


def test_only_the_explanation_is_quoted() -> None:
    assert (unmet(why="No offer.").finding.quote, unmet(why=None).finding.quote) == ("No offer.", None)
    assert "No offer." not in unmet(why="No offer.").summary
