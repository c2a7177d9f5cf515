"""`keyword_missing`: where it fires, where it does not, what it cannot judge, and how it reads."""

import json
from typing import Any

import pytest

from adapters.slack.message import render
from domain.alerts import alert as alerts
from domain.alerts.alert import Alert, email_text
from domain.errors import RulesInvalid
from domain.rules.document import parse_rules
from domain.rules.judge import judge
from tests.fakes.make import JUDGED_AT, call, goal, keyword, rules, silent_call


def missing_rule(*names: str, **fields: Any) -> dict[str, Any]:
    rule = {"id": "m", "when": "keyword_missing", "severity": "warning", "keyword_names": list(names or ["Consent"])}
    return rule | fields


CASES = [
    # the rule, the keywords, the subjects it finds
    (missing_rule(), [keyword(name="other")], ["keyword:consent"]),
    (missing_rule(), [keyword(name="consent")], []),
    (missing_rule(), [keyword(name="consent", at=(), count=0)], ["keyword:consent"]),
    (missing_rule(), [keyword(name="consent", at=(), count=1)], []),
    (missing_rule(), [keyword(name="consent", at=(), count=0), keyword(8, "CONSENT")], []),
    (missing_rule("Consent", "Greeting"), [keyword(name="consent")], ["keyword:greeting"]),
    (missing_rule("Consent", " consent"), [keyword(name="other")], ["keyword:consent"]),
    (missing_rule(within_first_ms=5_000), [keyword(name="consent", at=(5_000,))], []),
    (missing_rule(within_first_ms=5_000), [keyword(name="consent", at=(5_001,))], ["keyword:consent"]),
    (missing_rule(mode="off"), [keyword(name="other")], []),
]


@pytest.mark.parametrize(("rule", "said", "subjects"), CASES)
def test_the_rule_fires_or_not(rule: dict[str, Any], said: list[dict[str, Any]], subjects: list[str]) -> None:
    judged = judge(rules(rule), call(*said))
    assert [violation.subject for violation in judged.violations] == subjects
    assert judged.unjudged == ()


def test_in_a_call_without_any_keyword_all_are_missing() -> None:
    assert len(judge(rules(missing_rule("a", "b")), silent_call()).violations) == 2


def test_a_body_that_tells_no_keywords_is_not_judged() -> None:
    judged = judge(rules(missing_rule()), call(goal()))
    assert (judged.violations, judged.unjudged) == ((), ("m",))


def test_a_keyword_without_a_place_is_neither_missing_nor_said() -> None:
    rule = missing_rule("consent", "greeting", within_first_ms=5_000)
    judged = judge(rules(rule), call(keyword(name="consent", at=(9_000,), count=2)))
    assert [violation.subject for violation in judged.violations] == ["keyword:greeting"]
    assert judged.unjudged == ("m",)


@pytest.mark.parametrize("names", [[], [3], None])
def test_the_document_is_refused_with_the_field_named(names: Any) -> None:
    with pytest.raises(RulesInvalid, match=r"rules\[0\]\.keyword_names"):
        parse_rules(json.dumps({"version": 1, "rules": [missing_rule() | {"keyword_names": names}]}))


def test_an_alert_of_this_kind_reads_well() -> None:
    two = rules(missing_rule("Consent", within_first_ms=30_000), missing_rule("Name\n<b>", id="n"))
    violations = judge(two, silent_call()).violations
    alert = Alert.model_validate_json(alerts.compose(123, violations, None, JUDGED_AT).model_dump_json())
    assert json.loads(alert.model_dump_json())["violations"][0]["evidence"] == {
        "kind": "keyword_missing",
        "keyword_name": "Consent",
        "within_first_ms": 30_000,
    }
    assert email_text(alert).splitlines()[:4] == [
        "Warning: 2 keywords not said in recording 123.",
        "",
        "- Keyword not said: Consent, in the first 30.0 s",
        "- Keyword not said: Name <b>, in the whole call",
    ]
    assert [block.to_dict()["text"]["text"] for block in render(alert).blocks[1:3]] == [
        "*Keyword not said:* Consent (in the first 30.0 s)",
        "*Keyword not said:* Name &lt;b&gt; (in the whole call)",
    ]
