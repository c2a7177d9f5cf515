"""A queue with its dead-letter queue: defer, dead-letter, and delay a redelivery."""

import json
from typing import TYPE_CHECKING, Final

from domain import wording
from domain.ports import Clock
from domain.retry import DeadLettered, Deferred

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageAttributeValueTypeDef

HISTORY_ATTRIBUTE: Final = "delivery_history"
_MAX_MESSAGE_BYTES: Final = 1_048_576
"""Body and attributes together, SQS."""
_ATTRIBUTES_BYTES: Final = 2_048
_MAX_SENTENCE: Final = 1_000
_FIRST_BACK_OFF_S: Final = 10
_LONGEST_BACK_OFF_S: Final = 300


class MessageQueue:
    def __init__(self, sqs: "SQSClient", url: str, dead_letter_url: str, now_ms: Clock) -> None:
        self._sqs = sqs
        self._url = url
        self._dead_letter_url = dead_letter_url
        self._now_ms = now_ms

    def defer(self, body: str, deferral: Deferred) -> None:
        """Send a fresh copy that carries its history and is delivered after the delay."""
        # Stamped here: Lambda can freeze a thread for hours between the decision and the send.
        history = deferral.history.model_copy(update={"copied_ms": self._now_ms()})
        self._sqs.send_message(
            QueueUrl=self._url,
            MessageBody=body,
            DelaySeconds=deferral.delay_s,
            MessageAttributes={HISTORY_ATTRIBUTE: _text(history.model_dump_json())},
        )

    def dead_letter(self, body: str, why: DeadLettered) -> None:
        """Send the body to the dead-letter queue with the reason. A body too large to carry it is cut."""
        sentence = wording.clean(why.message)[:_MAX_SENTENCE] or "No details."
        raw = body.encode()
        room = _MAX_MESSAGE_BYTES - _ATTRIBUTES_BYTES - len(sentence.encode())
        if len(raw) > room:
            sentence += f" The body is cut: {room} of its {len(raw)} bytes are kept."
            body = raw[:room].decode(errors="ignore")
        self._sqs.send_message(
            QueueUrl=self._dead_letter_url,
            MessageBody=body or "{}",
            MessageAttributes={
                "dead_letter_reason": _text(why.reason),
                "dead_letter_message": _text(sentence),
            },
        )

    def back_off(self, receipt_handle: str, earlier_failures: int) -> None:
        """Redeliver a failed message after 10 s, 30 s, 90 s, then 4.5 minutes."""
        delay_s = min(_FIRST_BACK_OFF_S * 3 ** min(earlier_failures, 10), _LONGEST_BACK_OFF_S)
        self._sqs.change_message_visibility(QueueUrl=self._url, ReceiptHandle=receipt_handle, VisibilityTimeout=delay_s)


def as_body(event: object) -> str:
    """The text of an event that did not come from a queue."""
    return json.dumps(event)


def _text(value: str) -> "MessageAttributeValueTypeDef":
    return {"DataType": "String", "StringValue": value}
