"""A message that an operator redrives from a dead-letter queue is processed, also if another service put it there.

`LocalStack.redrive` stands in for the runbook's `start-message-move-task`. The emulator does not honour an EventBridge
target's dead-letter queue. The test puts such a dead letter there as AWS documents it.
"""

import json
from collections.abc import Callable, Iterator

import pytest

from local.http_stub import Fault
from local.observation import about, messages_about
from local.recordings import Recording
from local.stack import LocalStack
from tests.e2e.conftest import UNMET


@pytest.fixture(scope="module")
def own_stack() -> Iterator[LocalStack]:
    """Redriving moves a whole queue: not the one that other tests have their dead letters in."""
    with LocalStack("test-redrive", overrides={"RequestsPerMinute": "3000"}) as started:
        yield started


def refused_by_us(stack: LocalStack, recording: Recording) -> None:
    """Put there by the function, with the reason."""
    stack.vendor.set_fault(Fault("status", status=400, times=1), recording.id)
    stack.send({"recording_id": recording.id})


def not_delivered_by_eventbridge(stack: LocalStack, recording: Recording) -> None:
    """https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html"""
    event = {
        "version": "0",
        "id": "6a7e8feb-b491-4cf7-a9f1-bf3703467718",
        "detail-type": "Recording Analyzed",
        "source": "identitycall",
        "time": "2026-11-20T09:14:00Z",
        "detail": {"recording_id": recording.public_id},
    }
    attributes = {
        "RULE_ARN": "arn:aws:events:eu-central-1:000000000000:rule/recording-analyzed",
        "TARGET_ARN": "arn:aws:sqs:eu-central-1:000000000000:events",
        "ERROR_CODE": "NO_PERMISSIONS",
        "ERROR_MESSAGE": "The target's policy does not admit the rule.",
        "EXHAUSTED_RETRY_CONDITION": "MaximumRetryAttempts",
    }
    stack.client("sqs").send_message(
        QueueUrl=stack.outputs["EventDeadLetterQueueUrl"],
        MessageBody=json.dumps(event),
        MessageAttributes={name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()},
    )


@pytest.mark.parametrize(("number", "bury"), [(61_001, refused_by_us), (61_002, not_delivered_by_eventbridge)])
def test_a_redriven_event_is_judged(
    own_stack: LocalStack, number: int, bury: Callable[[LocalStack, Recording], None]
) -> None:
    recording = Recording(number, "Redriven", [UNMET])
    own_stack.vendor.put(recording)
    bury(own_stack, recording)
    own_stack.wait_for("its dead letter", lambda: about(own_stack.dead_letters(), recording.id, recording.public_id))
    assert own_stack.outcome(recording.id) is None

    assert own_stack.redrive(own_stack.outputs["EventDeadLetterQueueUrl"], own_stack.outputs["EventQueueUrl"]) == 1
    own_stack.wait_for("its message in Slack", lambda: messages_about(own_stack, recording.id))
    outcome = own_stack.wait_for("its outcome", lambda: own_stack.outcome(recording.id))
    assert outcome["status"] == "violations"
    assert own_stack.dead_letters() == []
    own_stack.wait_for("the queue to be empty", lambda: not own_stack.waiting())


def test_a_redriven_alert_reaches_slack_once(own_stack: LocalStack) -> None:
    """Refused by Slack for good, until the operator has made a new webhook; redriving it once more does no harm."""
    recording = Recording(61_101, "Refused by Slack", [UNMET])
    own_stack.vendor.put(recording)
    own_stack.slack.refuse(404, "no_active_hooks")
    own_stack.send({"recording_id": recording.id})
    letter = own_stack.wait_for("its dead letter", lambda: about(own_stack.slack_dead_letters(), recording.id))[0]
    assert letter.attributes["dead_letter_reason"] == "no_active_hooks"
    assert messages_about(own_stack, recording.id) == []

    own_stack.slack.set_fault(None)
    dead_letters, queue = own_stack.outputs["SlackDeadLetterQueueUrl"], own_stack.physical_id("SlackQueue")
    assert own_stack.redrive(dead_letters, queue) == 1
    own_stack.wait_for("its message in Slack", lambda: messages_about(own_stack, recording.id))
    own_stack.wait_for("its delivery, recorded", lambda: "ok" in str(own_stack.deliveries(recording.id)))

    own_stack.client("sqs").send_message(QueueUrl=dead_letters, MessageBody=letter.body)
    assert own_stack.redrive(dead_letters, queue) == 1
    own_stack.wait_for("the Slack queue to be empty", lambda: not own_stack.waiting_for_slack())
    assert len(messages_about(own_stack, recording.id)) == 1
    assert own_stack.slack_dead_letters() == []
