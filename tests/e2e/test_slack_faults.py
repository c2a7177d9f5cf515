"""Slack is slow, full or closed: nothing is posted twice, nothing too early, and an operator finds Slack's own word."""

import pytest

from local.http_stub import Fault
from local.observation import deferral, messages_about
from local.recordings import Recording
from local.stack import LocalStack
from tests.e2e.conftest import MakeRecording


def send_alerting(stack: LocalStack, make_recording: MakeRecording) -> Recording:
    recording = make_recording()
    stack.send({"recording_id": recording.id})
    return recording


@pytest.mark.parametrize(
    ("fault", "reason", "at_least_ms"),
    [
        (Fault("status", status=429, body="rate_limited", retry_after="600"), "throttled", 590_000),
        (Fault("reset"), "upstream_down", 0),
    ],
    ids=["429", "reset"],
)
def test_a_transient_error_of_slack_is_tried_again_later(
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
