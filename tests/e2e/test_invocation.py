"""The evaluation function's answers: what Lambda demands of a batch, and what a direct caller is told."""

import json
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from local.deployment import EVALUATION, NOTIFIER
from local.observation import deferral
from local.stack import LocalStack
from tests.e2e.conftest import MET, MakeRecording


def batch(*bodies: str) -> dict[str, Any]:
    """An SQS batch as Lambda hands it over. Its receipt handles belong to no message."""
    now = str(int(time.time() * 1000))
    return {
        "Records": [
            {
                "messageId": str(uuid.uuid4()),
                "receiptHandle": "none",
                "body": body,
                "attributes": {
                    "ApproximateReceiveCount": "1",
                    "SentTimestamp": now,
                    "SenderId": "test",
                    "ApproximateFirstReceiveTimestamp": now,
                },
                "messageAttributes": {},
                "md5OfBody": "",
                "eventSource": "aws:sqs",
                "eventSourceARN": "arn:aws:sqs:eu-central-1:000000000000:any",
                "awsRegion": "eu-central-1",
            }
            for body in bodies
        ]
    }


@contextmanager
def table_out_of_reach(stack: LocalStack) -> Iterator[None]:
    """The function's role may not touch the table; that it notices shows that roles are enforced here."""
    named = {"RoleName": stack.role_of(EVALUATION), "PolicyName": "table-out-of-reach"}
    statement = {"Effect": "Deny", "Action": "dynamodb:*", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    stack.client("iam").put_role_policy(**named, PolicyDocument=document)
    try:
        yield
    finally:
        stack.client("iam").delete_role_policy(**named)


def test_a_batch_without_failures_is_answered_with_an_empty_list(
    stack: LocalStack, make_recording: MakeRecording
) -> None:
    recording = make_recording(goals=[MET])
    event = batch(json.dumps({"recording_id": recording.id}), "unreadable")
    assert stack.invoke(event) == {"batchItemFailures": []}


def test_the_notifier_answers_likewise(stack: LocalStack) -> None:
    event = batch("no alert at all")
    assert stack.invoke(event, NOTIFIER) == {"batchItemFailures": []}
    buried = [each for each in stack.slack_dead_letters() if each.body == "no alert at all"]
    assert [each.attributes["dead_letter_reason"] for each in buried] == ["malformed_alert"]


def test_a_record_that_fails_is_named_and_nothing_else(stack: LocalStack, make_recording: MakeRecording) -> None:
    """The table out of reach: nothing can be read or written, which nobody expects."""
    recording = make_recording(goals=[MET])
    event = batch(json.dumps({"recording_id": recording.id}))
    with table_out_of_reach(stack):
        answer = stack.invoke(event)
    assert answer == {"batchItemFailures": [{"itemIdentifier": event["Records"][0]["messageId"]}]}
    assert stack.outcome(recording.id) is None


def test_a_direct_invocation_tells_what_came_of_it(stack: LocalStack, make_recording: MakeRecording) -> None:
    clear, alerting = make_recording(goals=[MET]), make_recording()
    assert stack.invoke({"recording_id": clear.id}) == {
        "recording_id": clear.id,
        "result": "evaluated",
        "reason": "clear",
    }
    envelope = {
        "source": "identitycall",
        "detail-type": "Recording Analyzed",
        "detail": {"recording_id": alerting.public_id},
    }
    assert stack.invoke(envelope) == {
        "recording_id": alerting.public_id,
        "result": "evaluated",
        "reason": "violations",
    }
    outcome = stack.outcome(alerting.id)
    assert outcome
    assert outcome["source"] == "eventbridge"
    stack.wait_for("its alert", lambda: stack.alerts(alerting.id))


def test_a_direct_invocation_that_must_wait_says_so(stack: LocalStack, make_recording: MakeRecording) -> None:
    recording = make_recording(status="processing")
    answer = stack.invoke({"recording_id": recording.id})
    assert answer == {"recording_id": recording.id, "result": "deferred", "reason": "not_analysed"}
    copy = deferral(stack.waiting(), recording.id)
    assert copy
    assert copy["reason"] == "not_analysed"


def test_a_direct_invocation_with_nonsense_is_buried(stack: LocalStack) -> None:
    answer = stack.invoke({"recording_id": "../nonsense"})
    assert answer == {"recording_id": None, "result": "dead_lettered", "reason": "malformed_event"}
    assert [each for each in stack.dead_letters() if "../nonsense" in each.body]
