"""`silence_too_much`: where it fires, where it does not, the boundary between, and an alert of it as it reads."""

import json
from typing import Any

import pytest

from adapters.slack.message import render
from domain.alerts import alert as alerts
from domain.alerts.alert import Alert, email_subject, email_text
from domain.errors import RulesInvalid
from domain.rules.document import parse_rules
from domain.rules.judge import judge
from tests.fakes.make import JUDGED_AT, call, details, goal, goal_rule, pause, pause_rule, rules


def silence_rule(longer_than_ms: int = 10_000, **fields: Any) -> dict[str, Any]:
    rule = {"id": "s", "when": "silence_too_much", "severity": "warning", "longer_than_ms": longer_than_ms}
    return rule | fields


CASES = [
    # the rule, the pauses, does it fire
    (silence_rule(10_000), [pause(6_000), pause(4_001, start_ms=1)], True),
    (silence_rule(10_000), [pause(6_000), pause(4_000, start_ms=1)], False),
    (silence_rule(10_000), [pause(6_000), pause(3_999, start_ms=1)], False),
    (silence_rule(10_000), [pause(10_001)], True),
    (silence_rule(10_000), [pause(9_000), pause(9_000, start_ms=1, compliant=True)], False),
    (silence_rule(10_000, enabled=False), [pause(60_000)], False),
    (silence_rule(0), [pause(1)], True),
    (silence_rule(0), [pause(0)], False),
    (silence_rule(0), [], False),
]


@pytest.mark.parametrize(("rule", "found", "fires"), CASES)
def test_the_rule_fires_or_not(rule: dict[str, Any], found: list[dict[str, Any]], fires: bool) -> None:
    subjects = [violation.subject for violation in judge(rules(rule), call(*found)).violations]
    assert subjects == (["silence"] if fires else [])


ERRORS = {
    "no limit": {"id": "s", "when": "silence_too_much", "severity": "info"},
    "a negative limit": silence_rule(-1),
    "a limit as text": silence_rule() | {"longer_than_ms": "10000"},
    "two limits": silence_rule(share_above=0.5),
}


@pytest.mark.parametrize("rule", ERRORS.values(), ids=ERRORS)
def test_the_document_is_refused_with_the_field_named(rule: dict[str, Any]) -> None:
    with pytest.raises(RulesInvalid, match=r"rules\[0\]\.longer_than_ms: "):
        parse_rules(json.dumps({"version": 1, "rules": [rule]}))


def alert_of(*each: dict[str, Any]) -> Alert:
    """The alert about two non-compliant pauses and an unmet goal by these rules, as its subscribers parse it."""
    violations = judge(rules(*each), call(goal(3), pause(7_000), pause(5_500, start_ms=1))).violations
    return Alert.model_validate_json(alerts.compose(123, violations, None, JUDGED_AT).model_dump_json())


def test_an_alert_of_this_kind_alone_reads_well() -> None:
    alert = alert_of(silence_rule())
    summary = "Too much silence: 12.5 s in 2 pauses, limit 10.0 s"
    evidence = {"kind": "silence_too_much", "silence_ms": 12_500, "pauses": 2, "limit_ms": 10_000}
    told = {"rule_id": "s", "subject": "silence", "severity": "warning", "summary": summary, "evidence": evidence}
    assert json.loads(alert.model_dump_json())["violations"] == [told]
    assert email_subject(alert) == "Warning: too much silence in recording 123"
    assert email_text(alert) == (
        "Warning: too much silence in recording 123.\n"
        "\n"
        f"- {summary}\n"
        "\n"
        "Recording 123.\n"
        f"Judged 2026-11-23 12:00 UTC by s. Alert {alert.alert_id}.\n"
    )
    message = render(alert)
    assert message.text == "🟠 Warning: too much silence in recording 123"
    header, silence, _ = [block.to_dict() for block in message.blocks]
    assert header["text"]["text"] == message.text
    assert silence["text"]["text"] == "*Too much silence:* 12.5 s in 2 pauses (limit 10.0 s)"


def test_in_a_headline_it_follows_goals_and_pauses() -> None:
    alert = alert_of(silence_rule(), pause_rule(), goal_rule())
    assert alert.headline() == "1 goal not met, 2 pauses too long and too much silence"


def test_two_rules_of_it_are_told_apart() -> None:
    told = alert_of(silence_rule(), silence_rule(12_000, id="t")).told()
    assert [each.finding.measure for each in told] == ["limit 10.0 s", "limit 12.0 s"]


def share_rule(share: float, **fields: Any) -> dict[str, Any]:
    return {"id": "s", "when": "silence_too_much", "severity": "warning", "share_above": share} | fields


@pytest.mark.parametrize(
    ("share", "silence_ms", "length_ms", "fires"),
    [
        (0.25, 25_001, 100_000, True),
        (0.25, 25_000, 100_000, False),
        (0.25, 24_999, 100_000, False),
        (0, 1, 100_000, True),
        (0, 0, 100_000, False),
        (1, 100_000, 100_000, False),
    ],
)
def test_a_share_of_the_recording_is_a_limit_too(share: float, silence_ms: int, length_ms: int, fires: bool) -> None:
    judged = judge(rules(share_rule(share)), call(pause(silence_ms), known=details(duration_ms=length_ms)))
    assert [violation.subject for violation in judged.violations] == (["silence"] if fires else [])
    assert judged.unjudged == ()


@pytest.mark.parametrize("length_ms", [None, 0, -1])
def test_a_share_of_an_unknown_length_is_not_judged_unless_there_is_no_silence(length_ms: int | None) -> None:
    known = details(duration_ms=length_ms)
    assert judge(rules(share_rule(0.5)), call(pause(), known=known)).unjudged == ("s",)
    assert judge(rules(share_rule(0.5)), call(pause(compliant=True), known=known)).unjudged == ()


def test_a_share_reads_as_a_percentage_of_the_length() -> None:
    judged = judge(rules(share_rule(0.025)), call(pause(7_000), known=details(duration_ms=245_000)))
    assert judged.violations[0].summary == "Too much silence: 7.0 s in 1 pause, limit 2.5% of 4 min 5.0 s"
    evidence = json.loads(judged.violations[0].finding.model_dump_json())
    assert (evidence["limit_ms"], evidence["limit_share"], evidence["duration_ms"]) == (6_125, 0.025, 245_000)
