"""An SQS message as Lambda delivers it."""

import pytest

from adapters.message_queue import HISTORY_ATTRIBUTE
from domain.retry import History
from runtime.messages import Message, read_message
from tests.fakes.clock import NOON_MS
from tests.fakes.sqs import sqs_record

RECORD = sqs_record({"recording_id": 123}, sent_ms=NOON_MS, receive_count=3)
WAITED = History(
    first_sent_ms=NOON_MS - 5_000, copied_ms=NOON_MS + 100, reason="throttled", deferrals={"throttled": 1}, failures=1
)


def test_a_message_is_read() -> None:
    assert read_message(RECORD) == Message(
        message_id=RECORD["messageId"],
        receipt_handle=RECORD["receiptHandle"],
        body='{"recording_id": 123}',
        history=History(first_sent_ms=NOON_MS, copied_ms=NOON_MS, failures=2),
    )


def test_a_deferred_copy_brings_its_history_to_which_its_own_receives_are_added() -> None:
    attribute = {"stringValue": WAITED.model_dump_json(), "dataType": "String"}
    read = read_message(RECORD | {"messageAttributes": {HISTORY_ATTRIBUTE: attribute}})
    assert read.history == WAITED.model_copy(update={"failures": 1 + 2})


@pytest.mark.parametrize("attribute", [{}, {"binaryValue": "eA=="}, {"stringValue": "somebody else's"}])
def test_an_unreadable_history_begins_anew(attribute: dict[str, str]) -> None:
    read = read_message(RECORD | {"messageAttributes": {HISTORY_ATTRIBUTE: attribute}})
    assert read.history == History(first_sent_ms=NOON_MS, copied_ms=NOON_MS, failures=2)


@pytest.mark.parametrize("missing", ["messageId", "receiptHandle", "body", "attributes"])
def test_a_record_without_a_promised_field_is_an_unexpected_error(missing: str) -> None:
    with pytest.raises(KeyError, match=missing):
        read_message({name: value for name, value in RECORD.items() if name != missing})
