"""What is stored and published has the form that others rely on."""

import json
from typing import Any

import pytest

from local.deployment import PublishedAlert
from local.recordings import Recording, goal, pause
from local.stack import LocalStack
from tests.e2e.conftest import MET, MakeRecording


@pytest.fixture(scope="module")
def recording(stack: LocalStack, make_recording: MakeRecording) -> Recording:
    """A goal unmet, and a long pause."""
    made = make_recording(
        name="Refund & return",
        goals=[goal(3, "Offer Follow-up", 0.3, "No offer was made.")],
        pauses=[pause(95_000, 7_000, compliant=False)],
        duration_ms=262_000,
    )
    stack.send({"recording_id": made.id})
    return made


@pytest.fixture(scope="module")
def alert(stack: LocalStack, recording: Recording) -> PublishedAlert:
    return stack.wait_for("its alert", lambda: stack.alerts(recording.id))[0]


def test_an_alert_has_the_agreed_form(recording: Recording, alert: PublishedAlert) -> None:
    content, attributes = alert.content, alert.attributes
    assert {violation["subject"] for violation in content["violations"]} == {"goal:3", "pause:95000-102000"}
    assert (
        content.items()
        >= {
            "schema_version": 1,
            "recording_id": recording.id,
            "recording": {"name": "Refund & return", "created_at": "2026-11-20T09:14:00Z", "duration_ms": 262_000},
            "severity": "warning",
            "violations_total": 2,
        }.items()
    )
    assert sorted(json.loads(attributes["rule_ids"])) == ["long-pause", "unmet-goal"]
    assert (
        attributes.items()
        >= {
            "event_type": "alert",
            "severity": "warning",
            "recording_id": str(recording.id),
        }.items()
    )


def test_a_delivery_is_stored_under_its_alert_and_destination(
    stack: LocalStack, recording: Recording, alert: PublishedAlert
) -> None:
    delivery = stack.wait_for(
        "its delivery to Slack, recorded",
        lambda: [each for each in stack.deliveries(recording.id) if "ok" in str(each)],
    )[0]
    assert delivery["sk"] == f"DELIVERY#{alert.content['alert_id']}#slack"


def test_an_outcome_has_the_agreed_form(stack: LocalStack, recording: Recording, alert: PublishedAlert) -> None:
    outcome = stack.wait_for("its mark", lambda: published(stack.outcome(recording.id)))
    assert outcome["alert"]["alert_id"] == alert.content["alert_id"]
    assert (
        outcome.items()
        >= {
            "recording_id": recording.id,
            "status": "violations",
            "violations_total": 2,
            "source": "queue",
        }.items()
    )
    assert all(set(each) >= {"rule_id", "subject", "severity", "summary"} for each in outcome["violations"])
    assert json.loads(outcome["results"])["recording_id"] == recording.id
    assert len(outcome["alerted"]) == 2
    assert outcome["expires_at"] > 0
    assert outcome["evaluated_at"].startswith("20")


def published(outcome: dict[str, Any] | None) -> dict[str, Any] | None:
    return outcome if outcome and outcome["alert"]["state"] == "published" else None


def test_a_clear_recording_has_an_outcome_and_no_alert(stack: LocalStack, make_recording: MakeRecording) -> None:
    recording = make_recording(goals=[MET])
    stack.put_event({"recording_id": recording.id})
    outcome = stack.wait_for("its outcome", lambda: stack.outcome(recording.id))
    assert (outcome["status"], outcome["violations_total"], outcome["source"]) == ("clear", 0, "eventbridge")
    assert "alert" not in outcome
    assert stack.alerts(recording.id) == []
