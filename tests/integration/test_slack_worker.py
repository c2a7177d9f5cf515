"""The notifier with Slack alone: each alert posted once, each batch answered as Lambda demands."""

import json
from typing import Any

import pytest

from adapters.alert_topic import SnsAlertTopic
from domain.alerts.alert import Alert
from domain.lease import LEASE_MS
from handlers import notify_slack
from tests.fakes.clock import NOON_MS, FakeClock
from tests.fakes.make import alert, long_pause, unmet
from tests.integration.aws import TABLE, Aws
from tests.integration.evaluation import history_of
from tests.integration.socket_server import RawServer, cuts, says
from tests.integration.workers import (
    PREFIX,
    batch,
    context,
    counted,
    failures,
    log_lines_of,
    received,
    slack_worker,
    sqs_record,
)

URL = f"{PREFIX}/slack-webhook-url"
ONE, TWO, THREE = (alert(unmet(number), recording=number) for number in (1, 2, 3))
NOTHING_FAILED = failures()


class Notifier:
    """The function; `slack` is what it posts to, `logged` are the lines of the last invocation."""

    def __init__(self, aws: Aws, slack: RawServer, clock: FakeClock, capsys: pytest.CaptureFixture[str]) -> None:
        self.aws, self.slack, self.clock, self._capsys = aws, slack, clock, capsys
        aws.put_parameter(URL, f"{slack.url}/services/T/B/secret")
        self.worker = slack_worker(aws, clock)
        self.logged: list[dict[str, Any]] = []

    def handle(self, event: dict[str, Any], remaining_ms: int = 30_000) -> dict[str, Any]:
        with log_lines_of(notify_slack.logger) as self.logged:
            return self.worker.handle(event, context(remaining_ms))

    def deliver(self, *alerts: Alert | str) -> dict[str, Any]:
        """A batch as the topic's raw delivery and Lambda make it, sent now."""
        bodies = (each if isinstance(each, str) else each.model_dump_json() for each in alerts)
        return self.handle(batch(*bodies, sent_ms=self.clock()))

    def posted(self) -> list[str]:
        """The first lines of what Slack has got."""
        return [json.loads(request.partition("\r\n\r\n")[2])["text"] for request in self.slack.requests]

    def deliveries(self) -> dict[str, str]:
        """The delivery items in the table: state by recording."""
        return {item["pk"]["S"]: item["state"]["S"] for item in self.aws.items()}

    def counted(self) -> dict[str, float]:
        return counted(self._capsys.readouterr().out)


@pytest.fixture
def notifier(aws: Aws, server: RawServer, clock: FakeClock, capsys: pytest.CaptureFixture[str]) -> Notifier:
    return Notifier(aws, server, clock, capsys)


def test_a_batch_is_posted_in_order_one_message_an_alert(notifier: Notifier) -> None:
    assert notifier.deliver(ONE, TWO, THREE) == NOTHING_FAILED
    assert notifier.posted() == [f"🟠 Warning: 1 goal not met in recording {number}" for number in (1, 2, 3)]
    assert notifier.deliveries() == {f"RECORDING#{number}": "sent" for number in (1, 2, 3)}
    assert notifier.counted() == {"NotificationsSent/slack": 3}
    assert notifier.aws.calls.names.count("dynamodb.UpdateItem") == 2 * 3
    assert [(line["message"], line["recording_id"]) for line in notifier.logged] == [("sent", n) for n in (1, 2, 3)]


@pytest.mark.parametrize("batches", [[[ONE], [ONE]], [[ONE, ONE]]], ids=["redelivered", "twice in a batch"])
def test_an_alert_that_comes_twice_is_posted_once(notifier: Notifier, batches: list[list[Alert]]) -> None:
    for each in batches:
        assert notifier.deliver(*each) == NOTHING_FAILED
    assert len(notifier.slack.requests) == 1
    assert notifier.counted() == {"NotificationsSent/slack": 1, "DuplicatesSkipped": 1}


def test_a_429_defers_no_sooner_than_slack_says_and_the_copy_is_posted(notifier: Notifier) -> None:
    notifier.slack.answers(says(b"rate_limited", "429 Too Many Requests", "Retry-After: 30"), says(b"ok"))
    assert notifier.deliver(ONE) == NOTHING_FAILED
    [sent] = notifier.aws.calls.of("sqs.SendMessage")
    assert sent["QueueUrl"] == notifier.aws.queue_url
    assert sent["DelaySeconds"] >= 30
    history = history_of(sent)
    assert history.not_before_ms >= NOON_MS + 30_000
    notifier.clock.advance(sent["DelaySeconds"] * 1_000)
    copy = sqs_record(sent["MessageBody"], sent_ms=NOON_MS, history=history.model_dump_json())
    assert notifier.handle({"Records": [copy]}) == NOTHING_FAILED
    assert notifier.deliveries() == {"RECORDING#1": "sent"}


def test_a_post_whose_answer_was_lost_is_repeated_after_its_lease_and_counted(notifier: Notifier) -> None:
    notifier.slack.answers(cuts(), says(b"ok"))
    notifier.deliver(ONE)
    notifier.deliver(ONE)
    assert len(notifier.slack.requests) == 1
    notifier.counted()
    notifier.clock.advance(LEASE_MS)
    notifier.deliver(ONE)
    assert len(notifier.slack.requests) == 2
    assert notifier.counted() == {"NotificationsSent/slack": 1, "NotificationsRepeated/slack": 1}


def test_a_refused_alert_and_a_bad_record_never_hurt_their_neighbours(notifier: Notifier) -> None:
    refusals = says(b"channel_is_archived", "410 Gone"), says(b"oops", "503 Service Unavailable")
    notifier.slack.answers(*refusals, says(b"ok"))
    assert notifier.deliver(ONE, "not an alert", TWO, THREE) == NOTHING_FAILED
    assert notifier.deliveries()["RECORDING#3"] == "sent"
    assert sum(notifier.aws.waiting(notifier.aws.queue_url)) == 1
    letters = {letter["dead_letter_reason"]: letter for letter in notifier.aws.dead_letters()}
    assert letters.keys() == {"channel_is_archived", "malformed_alert"}
    refused = letters["channel_is_archived"]
    assert refused["dead_letter_message"].endswith("recording 1: Slack answered 410 channel_is_archived.")
    assert Alert.model_validate_json(refused["body"]) == ONE
    assert notifier.counted()["NotificationsFailed/slack/channel_is_archived"] == 1


@pytest.mark.parametrize("body", ["", "not JSON", "{}", "[" * 100_000, '{"schema_version": 2}', "x" * 1_048_576])
def test_what_is_no_alert_is_a_dead_letter(notifier: Notifier, body: str) -> None:
    assert notifier.deliver(body) == NOTHING_FAILED
    assert [letter["dead_letter_reason"] for letter in notifier.aws.dead_letters()] == ["malformed_alert"]
    assert notifier.slack.requests == []


class TestNowhereToGo:
    def test_an_alert_is_a_dead_letter_and_posted_when_redriven_after_the_url_was_stored(
        self, notifier: Notifier
    ) -> None:
        notifier.aws.ssm.delete_parameter(Name=URL)
        assert notifier.deliver(ONE) == NOTHING_FAILED
        assert notifier.counted() == {"NotificationsFailed/slack/no_destination": 1}
        notifier.aws.put_parameter(URL, f"{notifier.slack.url}/services/T/B/secret")
        notifier.clock.advance(60_000)
        redriven = received(notifier.aws, notifier.aws.dead_letter_url, notifier.clock())
        assert notifier.handle(redriven) == NOTHING_FAILED
        assert len(notifier.slack.requests) == 1

    def test_a_url_that_is_none_waits_for_the_operator(self, notifier: Notifier) -> None:
        notifier.aws.put_parameter(URL, "hooks.slack.com/services/secret")
        assert notifier.deliver(ONE) == NOTHING_FAILED
        assert sum(notifier.aws.waiting(notifier.aws.queue_url)) == 1


class TestUnexpected:
    """A failed record is named, logged and counted."""

    def fails(self, notifier: Notifier, *alerts: Alert | str) -> dict[str, Any]:
        answer = notifier.deliver(*alerts)
        told = [line for line in notifier.logged if line["level"] == "ERROR"]
        assert notifier.counted()["RecordsFailed"] == len(told) == len(answer["batchItemFailures"])
        return answer

    def test_a_table_that_is_gone_fails_every_record(self, notifier: Notifier) -> None:
        notifier.aws.dynamodb.delete_table(TableName=TABLE)
        assert self.fails(notifier, ONE, TWO) == failures(1, 2)
        assert notifier.slack.requests == []

    def test_a_parameter_store_out_of_reach_too(self, notifier: Notifier, monkeypatch: pytest.MonkeyPatch) -> None:
        def unreachable(**_: Any) -> None:
            raise ConnectionError("Parameter Store")

        monkeypatch.setattr(notifier.aws.ssm, "get_parameters", unreachable)
        assert self.fails(notifier, ONE) == failures(1)

    def test_a_dead_letter_that_cannot_be_sent_fails_its_record_only(self, notifier: Notifier) -> None:
        notifier.aws.sqs.delete_queue(QueueUrl=notifier.aws.dead_letter_url)
        assert self.fails(notifier, "not an alert", ONE) == failures(1)
        assert len(notifier.slack.requests) == 1


def test_nothing_is_started_too_near_the_deadline(notifier: Notifier) -> None:
    assert notifier.handle(batch(ONE.model_dump_json()), remaining_ms=11_000) == NOTHING_FAILED
    assert (notifier.slack.requests, notifier.aws.waiting(notifier.aws.queue_url)) == ([], (1, 0))


def test_what_the_topic_publishes_is_what_slack_gets(notifier: Notifier) -> None:
    SnsAlertTopic(notifier.aws.sns, notifier.aws.topic_arn, notifier.clock).publish(alert(unmet(), long_pause()))
    assert notifier.handle(received(notifier.aws, notifier.aws.subscriber_url, NOON_MS)) == NOTHING_FAILED
    assert notifier.posted() == ["🟠 Warning: 1 goal not met and 1 pause too long in recording 123"]
