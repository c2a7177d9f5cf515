"""The evaluation function's answers: what Lambda demands of a batch, and what a direct caller is told."""

import json
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from local.deployment import EVALUATION
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


def test_a_record_whose_table_is_out_of_reach_is_the_only_failed_one(
    stack: LocalStack, make_recording: MakeRecording
) -> None:
    """The table out of reach: nothing can be read or written, which nobody expects."""
    recording = make_recording(goals=[MET])
    event = batch(json.dumps({"recording_id": recording.id}))
    with table_out_of_reach(stack):
        answer = stack.invoke(event)
    assert answer == {"batchItemFailures": [{"itemIdentifier": event["Records"][0]["messageId"]}]}
    assert stack.outcome(recording.id) is None
