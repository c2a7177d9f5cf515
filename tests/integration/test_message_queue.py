"""A queue with its dead-letter queue on SQS: deferral, dead letters that an operator can read, growing back-off."""

import json
import math
from typing import Any

import pytest

from adapters.message_queue import HISTORY_ATTRIBUTE, MessageQueue, as_body
from domain.retry import DeadLettered, Deferred, History, read_history
from tests.fakes.clock import NOON_MS
from tests.integration.conftest import Aws

SENT_MS = NOON_MS + 7_200_000
HISTORY = History(
    first_sent_ms=NOON_MS, copied_ms=NOON_MS, not_before_ms=NOON_MS + 5, reason="throttled", deferrals={"throttled": 2}
)
MEGABYTE = 1_048_576


@pytest.fixture
def queue(aws: Aws) -> MessageQueue:
    return MessageQueue(aws.sqs, aws.queue_url, aws.dead_letter_url, lambda: SENT_MS)


def test_a_deferred_copy_has_its_delay_its_body_and_its_history(aws: Aws, queue: MessageQueue) -> None:
    """It is stamped when it is sent: a frozen thread's copy must not look like one that an operator redrives."""
    queue.defer('{"recording_id": 123}', Deferred("throttled", "Pause.", 0, HISTORY))
    queue.defer("later", Deferred("throttled", "Pause.", 900, HISTORY))
    assert aws.waiting(aws.queue_url) == (1, 1)
    [message] = aws.messages(aws.queue_url)
    assert message["Body"] == '{"recording_id": 123}'
    assert read_history(message["MessageAttributes"][HISTORY_ATTRIBUTE]["StringValue"], SENT_MS) == HISTORY.model_copy(
        update={"copied_ms": SENT_MS}
    )
    assert aws.calls.of("sqs.SendMessage")[1]["DelaySeconds"] == 900


class TestDeadLetters:
    @pytest.mark.parametrize("body", ['{"recording_id": 123}', "a" * (MEGABYTE - 2_048 - len("Malformed."))])
    def test_a_dead_letter_is_complete_and_says_why_in_a_word_and_a_sentence(
        self, aws: Aws, queue: MessageQueue, body: str
    ) -> None:
        queue.dead_letter(body, DeadLettered("bad_request", "Malformed."))
        told = {"dead_letter_reason": "bad_request", "dead_letter_message": "Malformed."}
        assert aws.dead_letters() == [{"body": body} | told]

    @pytest.mark.parametrize(
        ("body", "character"),
        [("a" * MEGABYTE, "a"), ("挨" * (MEGABYTE // 3), "挨"), ("👋" * (MEGABYTE // 4), "👋")],
        ids=["ASCII", "three bytes a character", "four"],
    )
    @pytest.mark.parametrize("sentence", ["Short.", "é" * 5_000], ids=["short", "long"])
    def test_a_body_of_a_megabyte_is_cut_and_the_sentence_says_so(
        self, aws: Aws, queue: MessageQueue, body: str, character: str, sentence: str
    ) -> None:
        queue.dead_letter(body, DeadLettered("malformed_event", sentence))
        [letter] = aws.dead_letters()
        assert set(letter["body"]) == {character}
        size = sum(len(part.encode()) for part in letter.values())
        assert MEGABYTE * 0.99 < size < MEGABYTE - 200  # room for the attributes' names and types
        said = letter["dead_letter_message"]
        assert f" of its {len(body.encode())} bytes are kept." in said
        kept = int(said.split("The body is cut: ")[1].split()[0])
        assert 0 <= kept - len(letter["body"].encode()) < 4

    @pytest.mark.parametrize("message", ["", "\n", "a\x00b\ud7ff\ufffe\x1b c"])
    def test_whatever_the_sentence_holds_sqs_takes_it(self, aws: Aws, queue: MessageQueue, message: str) -> None:
        queue.dead_letter("{}", DeadLettered("refused", message))
        said = aws.dead_letters()[0]["dead_letter_message"]
        assert said in {"No details.", "a b\ud7ff c"}

    def test_an_empty_body_is_one_that_sqs_takes(self, aws: Aws, queue: MessageQueue) -> None:
        queue.dead_letter("", DeadLettered("malformed_event", "Nothing."))
        assert aws.dead_letters()[0]["body"] == "{}"


@pytest.mark.parametrize(
    ("earlier_failures", "seconds"), [(0, 10), (1, 30), (2, 90), (3, 270), (4, 300), (50, 300), (5_000, 300)]
)
def test_a_failed_message_comes_back_later_each_time(
    aws: Aws, queue: MessageQueue, earlier_failures: int, seconds: int
) -> None:
    aws.sqs.send_message(QueueUrl=aws.queue_url, MessageBody="{}")
    [message] = aws.messages(aws.queue_url)
    queue.back_off(message["ReceiptHandle"], earlier_failures)
    [asked] = aws.calls.of("sqs.ChangeMessageVisibility")
    assert (asked["ReceiptHandle"], asked["VisibilityTimeout"]) == (message["ReceiptHandle"], seconds)


@pytest.mark.parametrize("event", [{"a": "\ud800"}, None, [1], "text", {"x": math.inf}, {"é": "👋"}])
def test_any_event_is_text_that_a_queue_takes(aws: Aws, queue: MessageQueue, event: Any) -> None:
    queue.dead_letter(as_body(event), DeadLettered("malformed_event", "Odd."))
    assert json.loads(aws.dead_letters()[0]["body"]) == event
