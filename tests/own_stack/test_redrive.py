"""What an operator redrives from a dead-letter queue is really processed, whoever put it there.

The runbook's `start-message-move-task` is what `LocalStack.redrive` does in its place. Two origins the emulator cannot
play: it does not honour an EventBridge target's dead-letter queue, and it wraps what a failed invocation leaves into an
envelope that Lambda does not make. Their dead letters are put there as AWS documents them.
"""

import json
from collections.abc import Callable, Iterator

import pytest

from local.deployment import EVALUATION
from local.emulator import QueuedMessage
from local.http_stub import Fault
from local.observation import about, messages_about
from local.recordings import Recording
from local.stack import LocalStack
from tests.e2e.conftest import UNMET

RECEIVES = 5  # the template's maxReceiveCount


@pytest.fixture(scope="module")
def own_stack() -> Iterator[LocalStack]:
    """Redriving moves a whole queue: not the one that other tests have their dead letters in."""
    with LocalStack("test-redrive", overrides={"RequestsPerMinute": "3000"}) as started:
        yield started


def refused_by_us(stack: LocalStack, recording: Recording) -> None:
    """Ours: with the reason."""
    stack.vendor.set_fault(Fault("status", status=400, times=1), recording.id)
    stack.send({"recording_id": recording.id})


def received_too_often(stack: LocalStack, recording: Recording) -> None:
    """SQS's own: received five times, never deleted. The test receives, so that nobody has to wait for the pauses."""
    mapping = stack.client("lambda").list_event_source_mappings(FunctionName=stack.physical_id(EVALUATION))
    uuid = mapping["EventSourceMappings"][0]["UUID"]
    stack.client("lambda").update_event_source_mapping(UUID=uuid, Enabled=False)
    stack.send({"recording_id": recording.id})
    for _ in range(RECEIVES):
        taken = stack.client("sqs").receive_message(QueueUrl=stack.outputs["EventQueueUrl"], VisibilityTimeout=0)
        assert [str(recording.id) in message["Body"] for message in taken["Messages"]] == [True]
    stack.client("lambda").update_event_source_mapping(UUID=uuid, Enabled=True)


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
    put(
        stack,
        json.dumps(event),
        RULE_ARN="arn:aws:events:eu-central-1:000000000000:rule/recording-analyzed",
        TARGET_ARN="arn:aws:sqs:eu-central-1:000000000000:events",
        ERROR_CODE="NO_PERMISSIONS",
        ERROR_MESSAGE="The target's policy does not admit the rule.",
        EXHAUSTED_RETRY_CONDITION="MaximumRetryAttempts",
    )


def failed_invocation(stack: LocalStack, recording: Recording) -> None:
    """https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html#invocation-dlq"""
    put(
        stack,
        json.dumps({"recording_id": recording.id}),
        RequestID="e4b46cbf-b738-0000-8880-9d3a1c7b7d5c",
        ErrorCode="200",
        ErrorMessage="Task timed out after 30.00 seconds",
    )


def put(stack: LocalStack, body: str, **attributes: str) -> None:
    """Put a message into the event dead-letter queue, as another service does."""
    stack.client("sqs").send_message(
        QueueUrl=stack.outputs["EventDeadLetterQueueUrl"],
        MessageBody=body,
        MessageAttributes={name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()},
    )


ORIGINS: tuple[Callable[[LocalStack, Recording], None], ...] = (
    refused_by_us,
    received_too_often,
    not_delivered_by_eventbridge,
    failed_invocation,
)


@pytest.mark.parametrize("bury", ORIGINS, ids=lambda bury: bury.__name__)
def test_a_redriven_event_is_judged(own_stack: LocalStack, bury: Callable[[LocalStack, Recording], None]) -> None:
    recording = Recording(61_001 + ORIGINS.index(bury), "Redriven", [UNMET])
    own_stack.vendor.put(recording)
    bury(own_stack, recording)
    own_stack.wait_for("its dead letter", lambda: letters(own_stack, recording))
    assert own_stack.outcome(recording.id) is None

    assert own_stack.redrive(own_stack.outputs["EventDeadLetterQueueUrl"], own_stack.outputs["EventQueueUrl"]) == 1
    own_stack.wait_for("its alert", lambda: own_stack.alerts(recording.id))
    own_stack.wait_for("its message in Slack", lambda: messages_about(own_stack, recording.id))
    outcome = own_stack.wait_for("its outcome", lambda: own_stack.outcome(recording.id))
    assert outcome["status"] == "violations"
    assert own_stack.dead_letters() == []
    own_stack.wait_for("the queue to be empty", lambda: not own_stack.waiting())


def letters(stack: LocalStack, recording: Recording) -> list[QueuedMessage]:
    return about(stack.dead_letters(), recording.id, recording.public_id)


def test_what_cannot_be_read_comes_back_with_its_reason(own_stack: LocalStack) -> None:
    own_stack.send("not JSON, and redriven")
    for _ in range(2):
        letter = own_stack.wait_for("its dead letter", own_stack.dead_letters)[0]
        assert letter.attributes["dead_letter_reason"] == "malformed_event"
        own_stack.redrive(own_stack.outputs["EventDeadLetterQueueUrl"], own_stack.outputs["EventQueueUrl"])
    own_stack.wait_for("its dead letter", own_stack.dead_letters)
    assert len(own_stack.dead_letters()) == 1


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
