"""One message whose work fails unexpectedly each time, played by SQS's rules until something ends it."""

from collections.abc import Callable
from typing import Any

import pytest

from adapters.slack.webhook import SlackWebhook
from tests.fakes.clock import FakeClock
from tests.fakes.make import alert, body, goal
from tests.fakes.sqs import sqs_record
from tests.integration.aws import Aws
from tests.integration.workers import KEY, PREFIX, Vendor, context, evaluation_worker, notification_worker

A_BUG = ZeroDivisionError("Mrs Smith said it")
MAX_RECEIVES = 5
MOST_DELIVERIES = 40
HOUR_MS = 3_600_000
Handle = Callable[[dict[str, Any], Any], dict[str, Any]]


class Sqs:
    """Delivers a message, its redeliveries and its deferred copies, until SQS or the worker makes it a dead letter."""

    def __init__(self, aws: Aws, clock: FakeClock) -> None:
        self._aws = aws
        self._clock = clock

    def deliver(self, handle: Handle, text: object) -> dict[str, str]:
        """The dead letter's attributes: none where SQS ends it."""
        record = sqs_record(text, sent_ms=self._clock())
        receives = 0
        for _ in range(MOST_DELIVERIES):
            receives += 1
            if receives > MAX_RECEIVES:
                return {}
            record["attributes"]["ApproximateReceiveCount"] = str(receives)
            self._aws.calls.clear()
            if handle({"Records": [record]}, context())["batchItemFailures"]:
                [delay] = self._aws.calls.of("sqs.ChangeMessageVisibility")
                self._clock.advance(delay["VisibilityTimeout"] * 1_000)
                continue
            [sent] = self._aws.calls.of("sqs.SendMessage")
            attributes = {name: value["StringValue"] for name, value in sent["MessageAttributes"].items()}
            if sent["QueueUrl"] == self._aws.dead_letter_url:
                return attributes
            record = sqs_record(sent["MessageBody"], sent_ms=self._clock(), history=attributes["delivery_history"])
            receives = 0
            self._clock.advance(sent["DelaySeconds"] * 1_000)
        pytest.fail(f"still there after {MOST_DELIVERIES} deliveries")


class Bug:
    """In place of a send: counts the tries, and fails each."""

    def __init__(self) -> None:
        self.tries = 0

    def __call__(self, *_: Any, **__: Any) -> Any:
        self.tries += 1
        raise A_BUG


@pytest.fixture
def sqs(aws: Aws, clock: FakeClock) -> Sqs:
    return Sqs(aws, clock)


def ends_after_five_tries(letter: dict[str, str], bug: Bug) -> None:
    assert letter == {
        "dead_letter_reason": "unexpected_error",
        "dead_letter_message": "The last of 5 failures was ZeroDivisionError. The function's log has its trace.",
    }
    assert bug.tries == 5


def test_an_alert_that_no_message_can_be_made_of(
    aws: Aws, sqs: Sqs, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each failure leaves its claim, so the redelivered message meets its own lease and is deferred."""
    aws.put_parameter(f"{PREFIX}/slack-webhook-url", "https://hooks.slack.com/services/T/B/secret")
    worker, bug = notification_worker(aws, clock), Bug()
    monkeypatch.setattr(SlackWebhook, "send", bug)
    ends_after_five_tries(sqs.deliver(worker.handle, alert().model_dump_json()), bug)


def test_an_alert_that_the_topic_refuses(
    aws: Aws, vendor: Vendor, sqs: Sqs, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same with the outbox: the outcome is saved with its alert leased before it is published."""
    aws.put_parameter(f"{PREFIX}/api-key", KEY)
    vendor.says(123, body(123, goal()))
    worker, bug = evaluation_worker(aws, clock), Bug()
    monkeypatch.setattr(aws.sns, "publish", bug)
    ends_after_five_tries(sqs.deliver(worker.handle, {"recording_id": 123}), bug)
