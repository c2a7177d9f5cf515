"""The faults of a document as data: each has its path, what is allowed, and the nearest known name for a typo."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import RulesInvalid
from domain.rules.document import parse_rules
from tests.fakes.make import goal_rule, pause_rule


def faults(document: str) -> tuple[tuple[str, str], ...]:
    with pytest.raises(RulesInvalid) as refused:
        parse_rules(document)
    return refused.value.faults


def faults_of_rules(*rules: Any) -> tuple[tuple[str, str], ...]:
    return faults(json.dumps({"version": 1, "rules": rules}))


FIELDS = "id, severity, enabled, mode, scope, help, when, longer_than_ms"

ONE_RULE: dict[str, tuple[Any, str, str]] = {
    # the rule → the path below it, the sentence
    "no object": (None, "", "must be an object, not null"),
    "a typo of a field": (
        pause_rule(longer_then_ms=5),
        ".longer_then_ms",
        f"is not a field here; did you mean longer_than_ms? Allowed: {FIELDS}",
    ),
    "a typo of a rule's own field": (
        pause_rule(severty="info"),
        ".severty",
        f"is not a field here; did you mean severity? Allowed: {FIELDS}",
    ),
    "a field like no other": (pause_rule(x=1), ".x", f"is not a field here; allowed: {FIELDS}"),
    "another kind's field": (pause_rule(condition={}), ".condition", f"is not a field here; allowed: {FIELDS}"),
    "an unknown severity": (
        pause_rule(severity="critcal"),
        ".severity",
        '"critcal" is not allowed; did you mean critical? Allowed: info, warning, critical',
    ),
    "a severity that is no text": (
        pause_rule(severity=3),
        ".severity",
        "3 is not allowed; allowed: info, warning, critical",
    ),
    "a negative number": (pause_rule(-5), ".longer_than_ms", "must be at least 0, not -5"),
    "a number as text": (pause_rule() | {"longer_than_ms": "9"}, ".longer_than_ms", 'must be a whole number, not "9"'),
    "a limit that is a share": (goal_rule(score_below=1.5), ".score_below", "must be at most 1, not 1.5"),
    "an empty list": (goal_rule(goal_ids=[]), ".goal_ids", "must have at least 1 in it, not a list of 0"),
    "a wrong item": (goal_rule(goal_ids=[1, "2"]), ".goal_ids[1]", 'must be a whole number, not "2"'),
    "an infinite number": (
        goal_rule(score_below=float("inf")),
        ".score_below",
        "must be a finite number, not so large a number",
    ),
}


@pytest.mark.parametrize(("rule", "below", "sentence"), ONE_RULE.values(), ids=ONE_RULE)
def test_a_fault_has_its_path_and_a_sentence_that_helps(rule: Any, below: str, sentence: str) -> None:
    assert faults_of_rules(goal_rule(), rule) == ((f"rules[1]{below}", sentence),)


def test_a_kind_that_does_not_exist_is_told_with_those_that_do() -> None:
    ((path, sentence),) = faults_of_rules(goal_rule(when="goal_met"))
    assert path == "rules[0].when"
    assert sentence.startswith('"goal_met" is not allowed here; did you mean goal_unmet? Allowed: goal_unmet, pause_')


def test_every_fault_is_told_in_the_order_of_the_document() -> None:
    wrong = {"id": "a b", "when": "pause_too_long"}
    assert [path for path, _ in faults_of_rules(wrong, goal_rule(), pause_rule(-1))] == [
        "rules[0].id",
        "rules[0].severity",
        "rules[0].longer_than_ms",
        "rules[2].longer_than_ms",
    ]


def test_a_doubled_id_is_told_where_it_comes_again() -> None:
    sentence = "ids must be unique; used more than once: g"
    assert faults_of_rules(goal_rule(), pause_rule(), goal_rule(), goal_rule()) == (
        ("rules[2].id", sentence),
        ("rules[3].id", sentence),
    )


@pytest.mark.parametrize(
    ("document", "fault"),
    [
        ("[]", ("document", "must be an object, not a list of 0")),
        ('{"version": 2, "rules": []}', ("version", "2 is not allowed; allowed: 1")),
        ("{" + " " * 100_000, ("document", "has 100,001 characters; at most 100,000 are read")),
    ],
)
def test_a_document_that_is_none_is_told_as_a_whole(document: str, fault: tuple[str, str]) -> None:
    assert faults(document) == (fault,)


NAMES = st.sampled_from(["version", "rules", "when", "of", "id", "condition", "longer_than_ms"]) | st.text(max_size=8)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=20,
)
LONG = "SPOKEN" * 20


@given(rule=JSON, name=NAMES | st.just(LONG), value=JSON | st.just(LONG) | st.just(10**400))
def test_whatever_is_written_it_is_refused_in_short_printable_sentences(rule: Any, name: str, value: Any) -> None:
    rules = [rule, goal_rule() | {name: value}, pause_rule(-1, id=value)]
    for path, sentence in faults_of_rules(*rules):
        assert len(path) < 100
        assert len(sentence) < 300
        assert f"{path}{sentence}".isprintable()
        assert LONG not in path + sentence
