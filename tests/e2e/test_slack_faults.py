"""Slack is slow, full or closed: nothing is posted twice, nothing too early, and an operator finds Slack's own word."""

import json

import pytest

from local.http_stub import Fault
from local.observation import about, deferral, messages_about
from local.recordings import Recording
from local.stack import LocalStack
from tests.e2e.conftest import MakeRecording


def send_alerting(stack: LocalStack, make_recording: MakeRecording) -> Recording:
    recording = make_recording()
    stack.send({"recording_id": recording.id})
    return recording


@pytest.mark.parametrize(
    ("status", "word"),
    [
        (400, "invalid_payload"),
        (403, "action_prohibited"),
        (404, "no_active_hooks"),
        (410, "channel_is_archived"),
    ],
)
def test_a_permanent_refusal_is_buried_with_slacks_word(
    stack: LocalStack, make_recording: MakeRecording, status: int, word: str
) -> None:
    stack.slack.refuse(status, word)
    recording = send_alerting(stack, make_recording)
    message = stack.wait_for(
        f"recording {recording.id} in Slack's dead-letter queue",
        lambda: about(stack.slack_dead_letters(), recording.id),
    )[0]
    assert message.attributes["dead_letter_reason"] == word
    assert str(recording.id) in message.attributes["dead_letter_message"]
    assert json.loads(message.body)["recording_id"] == recording.id
    assert messages_about(stack, recording.id) == []


@pytest.mark.parametrize(
    ("fault", "reason", "at_least_ms"),
    [
        (Fault("status", status=429, body="rate_limited", retry_after="600"), "throttled", 590_000),
        (Fault("status", status=503, body=""), "upstream_down", 0),
        (Fault("status", status=200, body="<html>proxy</html>"), "upstream_down", 0),
        (Fault("reset"), "upstream_down", 0),
    ],
    ids=["429", "503", "200 without ok", "reset"],
)
def test_what_may_pass_is_tried_again_later(
    stack: LocalStack, make_recording: MakeRecording, fault: Fault, reason: str, at_least_ms: int
) -> None:
    stack.slack.set_fault(fault)
    recording = send_alerting(stack, make_recording)
    history = stack.wait_for("the deferral", lambda: deferral(stack.waiting_for_slack(), recording.id))
    assert history["reason"] == reason
    assert history["not_before_ms"] - history["copied_ms"] >= at_least_ms
    assert messages_about(stack, recording.id) == []


def test_a_lost_answer_is_not_repeated_at_once(stack: LocalStack, make_recording: MakeRecording) -> None:
    """The message may have arrived: it is held until the claim ends, a minute later, and then repeated."""
    stack.slack.set_fault(Fault("lost_answer"))
    recording = send_alerting(stack, make_recording)
    history = stack.wait_for("the deferral", lambda: deferral(stack.waiting_for_slack(), recording.id))
    assert history["reason"] == "upstream_down"
    assert "claimed" in str(stack.deliveries(recording.id))
    assert len(messages_about(stack, recording.id)) == 1


def test_a_redelivered_alert_is_not_posted_twice(stack: LocalStack, make_recording: MakeRecording) -> None:
    recording = send_alerting(stack, make_recording)
    stack.wait_for("its message", lambda: messages_about(stack, recording.id))
    alert = stack.wait_for("its alert", lambda: stack.alerts(recording.id))[0]
    stack.wait_for("its delivery, recorded", lambda: "ok" in str(stack.deliveries(recording.id)))
    queue = stack.physical_id("SlackQueue")
    stack.client("sqs").send_message(QueueUrl=queue, MessageBody=json.dumps(alert.content))
    stack.wait_for("the Slack queue to be empty of it", lambda: not about(stack.waiting_for_slack(), recording.id))
    assert len(messages_about(stack, recording.id)) == 1


def test_the_message_is_as_slack_takes_it(stack: LocalStack, make_recording: MakeRecording) -> None:
    recording = send_alerting(stack, make_recording)
    message = stack.wait_for("its message", lambda: messages_about(stack, recording.id))[0]
    assert "1 goal not met" in message.text
    assert "Offer Follow-up" in message.everything
    assert "score 0.22" in message.everything
    assert f"Recording {recording.id}" in message.everything
