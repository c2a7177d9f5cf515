"""One SQS message as Lambda delivers it."""

from dataclasses import dataclass
from typing import Any

from adapters.message_queue import HISTORY_ATTRIBUTE
from domain.retry import History, read_history


@dataclass(frozen=True, slots=True)
class Message:
    message_id: str
    receipt_handle: str
    body: str
    history: History


def read_message(record: dict[str, Any]) -> Message:
    """Read a record of an SQS event; its shape is Lambda's promise, so anything else is an unexpected error.

    Every receive before this one failed. They join the history, so that deferred copies carry their sum.
    """
    attributes = record["attributes"]
    text = record.get("messageAttributes", {}).get(HISTORY_ATTRIBUTE, {}).get("stringValue")
    history = read_history(text, int(attributes["SentTimestamp"]))
    failed_receives = int(attributes["ApproximateReceiveCount"]) - 1
    return Message(
        message_id=record["messageId"],
        receipt_handle=record["receiptHandle"],
        body=record["body"],
        history=history.model_copy(update={"failures": history.failures + failed_receives}),
    )
