"""One SQS message as Lambda delivers it."""

from dataclasses import dataclass
from typing import Any

from adapters.message_queue import HISTORY_ATTRIBUTE
from domain.retry import History, read_history


@dataclass(frozen=True, slots=True)
class Message:
    message_id: str
    receipt_handle: str
    receive_count: int
    body: str
    history: History


def read_message(record: dict[str, Any]) -> Message:
    """Read a record of an SQS event; its shape is Lambda's promise, so anything else is an unexpected error."""
    attributes = record["attributes"]
    history = record.get("messageAttributes", {}).get(HISTORY_ATTRIBUTE, {}).get("stringValue")
    return Message(
        message_id=record["messageId"],
        receipt_handle=record["receiptHandle"],
        receive_count=int(attributes["ApproximateReceiveCount"]),
        body=record["body"],
        history=read_history(history, int(attributes["SentTimestamp"])),
    )
