"""`keyword_said`: where it fires, where it does not, the boundaries between, what it cannot judge, and how it reads."""

import json
from typing import Any

import pytest
from pydantic_core import to_json

from adapters.slack.message import render
from domain.alerts import alert as alerts
from domain.alerts.alert import Alert, email_text
from domain.errors import RulesInvalid, Unusable
from domain.recording import Results
from domain.rules.call import Call
from domain.rules.document import parse_rules
from domain.rules.judge import judge
from tests.fakes.make import JUDGED_AT, body, call, details, goal, keyword, rules, silent_call


def said_rule(**fields: Any) -> dict[str, Any]:
    rule: dict[str, Any] = {"id": "k", "when": "keyword_said", "severity": "warning", "keyword_names": ["refund"]}
    return rule | fields


LENGTH_MS = 245_000

CASES = [
    # the rule's fields, the keywords, the subjects it finds
    ({}, [keyword()], ["keyword:7"]),
    ({}, [keyword(name=" REFUND ")], ["keyword:7"]),
    ({}, [keyword(name="refunds")], []),
    ({}, [keyword(at=())], []),
    ({}, [keyword(at=(), count=1)], ["keyword:7"]),
    ({"keyword_ids": [8]}, [keyword(8, "other")], ["keyword:8"]),
    ({"keyword_ids": [8]}, [keyword(), keyword(8, "other"), keyword(9, "third")], ["keyword:7", "keyword:8"]),
    ({"sentiments": ["negative"]}, [keyword(tone="negative")], ["keyword:7"]),
    ({"sentiments": ["negative"]}, [keyword(tone="neutral")], []),
    ({"sentiments": ["negative"]}, [keyword(tone="a newer one")], []),
    ({"times": 2}, [keyword(at=(1,))], []),
    ({"times": 2}, [keyword(at=(1, 2))], ["keyword:7"]),
    # Two entries of one keyword count together, as far as their sentiment counts.
    ({"times": 2}, [keyword(at=(1,)), keyword(at=(2,), tone="negative")], ["keyword:7"]),
    ({"times": 2, "sentiments": ["neutral"]}, [keyword(at=(1,)), keyword(at=(2,), tone="negative")], []),
    ({"within_first_ms": 5_000}, [keyword(at=(5_000,))], ["keyword:7"]),
    ({"within_first_ms": 5_000}, [keyword(at=(5_001,))], []),
    ({"within_first_ms": 5_000, "times": 2}, [keyword(at=(1, 5_001))], []),
    ({"within_last_ms": 5_000}, [keyword(at=(LENGTH_MS - 5_000,))], ["keyword:7"]),
    ({"within_last_ms": 5_000}, [keyword(at=(LENGTH_MS - 5_001,))], []),
    ({"mode": "off"}, [keyword()], []),
]


@pytest.mark.parametrize(("fields", "said", "subjects"), CASES)
def test_the_rule_fires_or_not(fields: dict[str, Any], said: list[dict[str, Any]], subjects: list[str]) -> None:
    judged = judge(rules(said_rule(**fields)), call(*said, known=details(duration_ms=LENGTH_MS)))
    assert [violation.subject for violation in judged.violations] == subjects
    assert judged.unjudged == ()


UNJUDGED = {
    # what is not known for good → the rule's fields, the call, the subjects it finds all the same
    "no keywords": ({}, call(goal()), []),
    "a place": ({"within_first_ms": 5_000}, call(keyword(at=(9_000,), count=2)), []),
    "another keyword's place": (
        {"within_first_ms": 5_000, "keyword_ids": [8]},
        call(keyword(at=(), count=2), keyword(8, at=(1,))),
        ["keyword:8"],
    ),
    "the length": ({"within_last_ms": 5_000}, call(keyword(), known=details(duration_ms=None)), []),
}


@pytest.mark.parametrize(("fields", "judged_call", "subjects"), UNJUDGED.values(), ids=UNJUDGED)
def test_what_is_not_known_is_not_taken_for_silence(
    fields: dict[str, Any], judged_call: Call, subjects: list[str]
) -> None:
    judged = judge(rules(said_rule(**fields)), judged_call)
    assert judged.unjudged == ("k",)
    assert [violation.subject for violation in judged.violations] == subjects


@pytest.mark.parametrize(
    ("fields", "judged_call"),
    [
        ({}, silent_call()),
        ({"within_last_ms": 5_000}, silent_call()),
        ({"within_last_ms": 5_000, "times": 2}, call(keyword())),
        ({"within_first_ms": 5_000, "times": 3}, call(keyword(at=(9_000,), count=2))),
    ],
)
def test_what_cannot_fire_whatever_is_not_known_is_judged(fields: dict[str, Any], judged_call: Call) -> None:
    judged = judge(rules(said_rule(**fields)), judged_call)
    assert (judged.violations, judged.unjudged) == ((), ())


@pytest.mark.parametrize(
    ("keywords", "named"),
    [
        ({}, "keywords: "),
        ([keyword() | {"count": "2"}], r"keywords\.0\.count"),
        ([keyword(), keyword() | {"timestamps_ms": None}], r"keywords\.1\.timestamps_ms"),
        ([{}], "keyword_id"),
    ],
)
def test_malformed_keywords_raise_and_show_no_word(keywords: Any, named: str) -> None:
    malformed = Call(Results.model_validate(body()), to_json(keywords))
    with pytest.raises(Unusable, match=f"Recording 123: the API's answer has the wrong shape: .*{named}") as raised:
        judge(rules(said_rule()), malformed)
    assert "refund" not in str(raised.value)
    assert raised.value.__context__ is None


ERRORS = {
    "no keyword": (said_rule(keyword_names=None), "keyword_names"),
    "both ends": (said_rule(within_first_ms=1, within_last_ms=1), "within_last_ms"),
    "never": (said_rule(times=0), "times"),
    "an unknown sentiment": (said_rule(sentiments=["angry"]), r"sentiments\[0\]"),
    "a name of nothing": (said_rule(keyword_names=[""]), r"keyword_names\[0\]"),
    "a name too long": (said_rule(keyword_names=["x" * 121]), r"keyword_names\[0\]"),
    "over a week": (said_rule(within_first_ms=10**9), "within_first_ms"),
}


@pytest.mark.parametrize(("rule", "field"), ERRORS.values(), ids=ERRORS)
def test_the_document_is_refused_with_the_field_named(rule: dict[str, Any], field: str) -> None:
    with pytest.raises(RulesInvalid, match=rf"rules\[0\]\.{field}: "):
        parse_rules(json.dumps({"version": 1, "rules": [rule]}))


def test_an_alert_of_this_kind_reads_well() -> None:
    violations = judge(rules(said_rule(times=2)), call(keyword(at=(130_000, 95_000, 200_000)))).violations
    alert = Alert.model_validate_json(alerts.compose(123, violations, None, JUDGED_AT).model_dump_json())
    assert json.loads(alert.model_dump_json())["violations"][0]["evidence"] == {
        "kind": "keyword_said",
        "keyword_id": 7,
        "keyword_name": "refund",
        "count": 3,
        "times": 2,
        "timestamps_ms": [95_000, 130_000, 200_000],
    }
    assert email_text(alert).splitlines()[:3] == [
        "Warning: 1 keyword said in recording 123.",
        "",
        "- Keyword said: refund at 1:35, 2:10, 3:20, 3 times, limit 2",
    ]
    section = render(alert).blocks[1].to_dict()["text"]["text"]
    assert section == "*Keyword said:* refund at 1:35, 2:10, 3:20 (3 times, limit 2)"
