"""What is stored and published has the form that others rely on."""

import json

from local.recordings import Recording, goal, pause
from local.stack import LocalStack
from tests.e2e.conftest import MET, MakeRecording


def test_outcome_alert_and_delivery_of_a_recording_have_the_agreed_form(
    stack: LocalStack, make_recording: MakeRecording
) -> None:
    recording: Recording = make_recording(
        name="Refund & return",
        goals=[goal(3, "Offer Follow-up", 0.3, "No offer was made.")],
        pauses=[pause(95_000, 7_000, compliant=False)],
        duration_ms=262_000,
    )
    stack.send({"recording_id": recording.id})

    alert = stack.wait_for("its alert", lambda: stack.alerts(recording.id))[0]
    assert alert.content["schema_version"] == 1
    assert alert.content["recording_id"] == recording.id
    assert alert.content["recording"] == {
        "name": "Refund & return",
        "created_at": "2026-11-20T09:14:00Z",
        "duration_ms": 262_000,
    }
    assert alert.content["severity"] == "warning"
    assert alert.content["violations_total"] == 2
    assert {violation["subject"] for violation in alert.content["violations"]} == {"goal:3", "pause:95000-102000"}
    assert alert.attributes["event_type"] == "alert"
    assert alert.attributes["severity"] == "warning"
    assert sorted(json.loads(alert.attributes["rule_ids"])) == ["long-pause", "unmet-goal"]
    assert alert.attributes["recording_id"] == str(recording.id)

    delivery = stack.wait_for(
        "its delivery to Slack, recorded",
        lambda: [each for each in stack.deliveries(recording.id) if "ok" in str(each)],
    )[0]
    assert delivery["sk"] == f"DELIVERY#{alert.content['alert_id']}#slack"

    outcome = stack.outcome(recording.id)
    assert outcome
    assert outcome["recording_id"] == recording.id
    assert outcome["status"] == "violations"
    assert outcome["violations_total"] == 2
    assert all(set(each) >= {"rule_id", "subject", "severity", "summary"} for each in outcome["violations"])
    assert json.loads(outcome["results"])["recording_id"] == recording.id
    assert outcome["source"] == "queue"
    assert outcome["alert"]["state"] == "published"
    assert outcome["alert"]["alert_id"] == alert.content["alert_id"]
    assert len(outcome["alerted"]) == 2
    assert outcome["expires_at"] > 0
    assert outcome["evaluated_at"].startswith("20")


def test_a_clear_recording_has_an_outcome_and_no_alert(stack: LocalStack, make_recording: MakeRecording) -> None:
    recording = make_recording(goals=[MET])
    stack.put_event({"recording_id": recording.id})
    outcome = stack.wait_for("its outcome", lambda: stack.outcome(recording.id))
    assert (outcome["status"], outcome["violations_total"], outcome["source"]) == ("clear", 0, "eventbridge")
    assert "alert" not in outcome
    assert stack.alerts(recording.id) == []
