"""The `rules` document: refused as a whole with every error named, or accepted as written; and the default rules."""

import json
from typing import Any

import pytest

from domain.errors import RulesInvalid
from domain.rules.document import RuleSet, default_rules, parse_rules
from domain.rules.judge import judge
from domain.rules.kinds.goal_unmet import GoalUnmet
from domain.rules.kinds.pause_too_long import PauseTooLong
from domain.rules.rule import Rule
from tests.fakes.make import call, goal, goal_rule, pause, pause_rule, rules

GOAL = {"id": "unmet-goal", "when": "goal_unmet", "severity": "warning"}
PAUSE = {"id": "long-pause", "when": "pause_too_long", "longer_than_ms": 5000, "severity": "warning"}


def document(*rules: Any, **top: Any) -> str:
    return json.dumps({"version": 1, "rules": list(rules)} | top)


def test_the_documented_example_is_read() -> None:
    read = parse_rules(document(GOAL, PAUSE))
    assert [type(rule.condition) for rule in read.rules] == [GoalUnmet, PauseTooLong]
    assert [rule.enabled for rule in read.rules] == [True, True]


def test_every_field_is_read() -> None:
    full = {"enabled": False, "goal_ids": [1, 2], "goal_names": ["Grüße"], "score_below": 0.5, "severity": "critical"}
    assert parse_rules(document(GOAL | full)).rules == (Rule.model_validate(GOAL | full),)


def without(rule: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in rule.items() if key != name}


WRONG_VALUES: list[tuple[dict[str, Any], str, list[Any]]] = [
    (GOAL, "when", ["goal_met"]),
    (GOAL, "id", ["", "un met", "a" * 65, "a\n"]),
    (GOAL, "severity", ["urgent"]),
    (GOAL, "enabled", ["no"]),
    (GOAL, "goal_ids", [[], ["1"]]),
    (GOAL, "goal_names", [[]]),
    (GOAL, "score_below", [0, 1.01, float("nan")]),
    (PAUSE, "longer_than_ms", [-1, "5000", 5000.5, True]),
    (PAUSE, "longer_then_ms", [1]),
    (PAUSE, "goal_ids", [[1]]),
]
ERRORS: dict[str, tuple[str, list[str]]] = {
    "not JSON": ("{", ["document", "JSON"]),
    "cut off": (document(GOAL)[:-5], ["document", "JSON"]),
    "empty": ("", ["document", "JSON"]),
    "deeply nested": ("[" * 10_000, ["document", "JSON"]),
    "not an object": ("[]", ["document"]),
    "null": ("null", ["document"]),
    "no version": (json.dumps({"rules": []}), ["version"]),
    "another version": (document(version=2), ["version"]),
    "version as text": (document(version="1"), ["version"]),
    "no rules": (json.dumps({"version": 1}), ["rules"]),
    "rules as an object": (document(rules={}), ["rules"]),
    "a rule that is null": (document(None), ["rules[0]"]),
    "an unknown field at the top": (document(GOAL, owner="me"), ["owner"]),
    **{f"no {name}": (document(without(PAUSE, name)), ["rules[0]", name]) for name in PAUSE},
    **{
        f"{name} {value!r}": (document(rule | {name: value}), ["rules[0]", name])
        for rule, name, values in WRONG_VALUES
        for value in values
    },
    "a doubled id": (document(GOAL, PAUSE | {"id": "unmet-goal"}), ["unique", "unmet-goal"]),
    "a doubled id, one of them off": (document(GOAL, GOAL | {"enabled": False}), ["unique", "unmet-goal"]),
    "more rules than are allowed": (document(*(GOAL | {"id": f"r{n}"} for n in range(51))), ["rules", "50"]),
}


@pytest.mark.parametrize(("text", "named"), ERRORS.values(), ids=ERRORS)
def test_a_document_is_refused_with_its_error_named(text: str, named: list[str]) -> None:
    with pytest.raises(RulesInvalid) as refused:
        parse_rules(text)
    for word in named:
        assert word in str(refused.value)


def test_the_first_errors_are_named_and_the_rest_counted() -> None:
    with pytest.raises(RulesInvalid, match=r"rules\[19\].*; and 30 more$") as refused:
        parse_rules(document(*(PAUSE | {"id": f"r{n}", "longer_than_ms": -1} for n in range(50))))
    assert "rules[20]" not in str(refused.value)


def test_the_defaults_are_any_goal_and_any_pause_over_the_setting() -> None:
    fired = judge(
        default_rules(6_999), call(goal(1, met=True), goal(3), pause(7_000), pause(6_999, start_ms=1))
    ).violations
    assert [(each.rule_id, each.subject, each.severity) for each in fired] == [
        ("unmet-goal", "goal:3", "warning"),
        ("long-pause", "pause:95000-102000", "warning"),
    ]


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


def test_a_document_of_an_earlier_release_keeps_its_digest() -> None:
    """A changed digest would look like changed rules."""
    earlier = [
        GOAL | {"id": "a", "goal_ids": [1, 2], "goal_names": ["Grüße"], "score_below": 1, "enabled": False},
        PAUSE | {"id": "b", "longer_than_ms": 7, "severity": "info"},
        {"id": "c", "when": "silence_too_much", "severity": "critical", "longer_than_ms": 0},
    ]
    assert parse_rules(document(*earlier)).digest == "4dcbf37426403ddb"
    assert default_rules(5_000).digest == "4d8ad20590267a09"


class TestMode:
    @pytest.mark.parametrize(
        ("fields", "live", "shadow"),
        [
            ({}, 1, 0),
            ({"enabled": True}, 1, 0),
            ({"mode": "live"}, 1, 0),
            ({"mode": "shadow"}, 0, 1),
            ({"mode": "shadow", "enabled": True}, 0, 1),
            ({"mode": "off"}, 0, 0),
            ({"mode": "off", "enabled": True}, 0, 0),
            ({"enabled": False}, 0, 0),
            ({"enabled": False, "mode": "off"}, 0, 0),
        ],
    )
    def test_a_rule_is_live_or_in_shadow_or_off(self, fields: dict[str, Any], live: int, shadow: int) -> None:
        read = parse_rules(document(GOAL | fields))
        assert (len(read.live), len(read.shadow)) == (live, shadow)

    @pytest.mark.parametrize("mode", ["live", "shadow"])
    def test_a_rule_that_is_switched_off_and_on_is_refused(self, mode: str) -> None:
        sentence = rf"rules\[0\]\.mode: enabled is false and mode is {mode}: leave one of them out"
        with pytest.raises(RulesInvalid, match=sentence):
            parse_rules(document(GOAL | {"enabled": False, "mode": mode}))


def test_each_new_field_is_part_of_the_digest_where_it_stands() -> None:
    fields: list[dict[str, Any]] = [
        {"mode": "shadow"},
        {"scope": {"languages": ["de"]}},
        {"scope": {"languages": ["fr"]}},
        {"help": "Call."},
    ]
    digests = {parse_rules(document(GOAL | each)).digest for each in [{}, *fields]}
    both = document({"id": "a", "when": "any", "severity": "info", "of": [{"when": "goal_unmet"}] * 2})
    assert len(digests) == 5
    assert parse_rules(both).digest not in digests
