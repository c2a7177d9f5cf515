"""SQS events as Lambda makes them, and Lambda's answer to a batch with failures."""

import json
from typing import Any

from adapters.message_queue import HISTORY_ATTRIBUTE
from tests.fakes.clock import NOON_MS


def sqs_record(
    body: object, number: int = 1, *, sent_ms: int, receive_count: int = 1, history: str = ""
) -> dict[str, Any]:
    """One record of a batch. A body that is no text is written as JSON."""
    return {
        "messageId": f"message-{number}",
        "receiptHandle": f"handle-{number}",
        "body": body if isinstance(body, str) else json.dumps(body),
        "attributes": {"ApproximateReceiveCount": str(receive_count), "SentTimestamp": str(sent_ms)},
        "messageAttributes": {HISTORY_ATTRIBUTE: {"stringValue": history, "dataType": "String"}} if history else {},
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:eu-central-1:123456789012:events",
        "awsRegion": "eu-central-1",
    }


def batch(*bodies: object, sent_ms: int = NOON_MS) -> dict[str, Any]:
    """Messages 1, 2 and so on with these bodies, as Lambda delivers them."""
    return {"Records": [sqs_record(each, number, sent_ms=sent_ms) for number, each in enumerate(bodies, 1)]}


def failures(*numbers: int) -> dict[str, Any]:
    """Lambda's answer where these messages of a batch failed, and no others."""
    return {"batchItemFailures": [{"itemIdentifier": f"message-{number}"} for number in numbers]}
