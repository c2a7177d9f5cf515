"""The Slack function's worker on an account: alerts posted once, and batches answered as Lambda demands."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from adapters.alert_topic import SnsAlertTopic
from adapters.message_queue import HISTORY_ATTRIBUTE
from domain.alerts.alert import Alert
from domain.lease import LEASE_MS
from domain.retry import History
from handlers import notify_slack
from handlers.notify_slack import SlackWorker
from tests.fakes.clock import NOON_MS, FakeClock
from tests.fakes.make import alert, long_pause, unmet
from tests.integration.conftest import TABLE, Aws
from tests.integration.socket_server import RawServer, cuts, raw_server, says
from tests.integration.test_evaluation_worker import NOTHING_FAILED, batch, failures, metrics
from tests.integration.workers import PREFIX, context, log_lines_of, received, slack_worker, sqs_record

URL = f"{PREFIX}/slack-webhook-url"
ONE, TWO, THREE = (alert(unmet(number), recording=number) for number in (1, 2, 3))


@pytest.fixture(autouse=True)
def _as_deployed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "IdentityCallAlerts")
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "alerts-notify-slack")


@pytest.fixture
def slack() -> Iterator[RawServer]:
    with raw_server() as server:
        server.answers(says(b"ok"))
        yield server


@pytest.fixture
def worker(aws: Aws, slack: RawServer, clock: FakeClock) -> SlackWorker:
    aws.put_parameter(URL, f"{slack.url}/services/T/B/secret")
    return slack_worker(aws, clock)


def of(*alerts: Alert, sent_ms: int = NOON_MS) -> dict[str, Any]:
    """A batch as the topic's raw delivery and Lambda make it."""
    return batch(*(each.model_dump_json() for each in alerts), sent_ms=sent_ms)


def posted(slack: RawServer) -> list[str]:
    """The first lines of what Slack has got."""
    return [json.loads(request.partition("\r\n\r\n")[2])["text"] for request in slack.requests]


def deliveries(aws: Aws) -> dict[str, str]:
    """The delivery items in the table: state by recording."""
    return {item["pk"]["S"]: item["state"]["S"] for item in aws.items()}


def test_a_batch_is_posted_in_order_one_message_an_alert(
    aws: Aws, slack: RawServer, worker: SlackWorker, capsys: pytest.CaptureFixture[str]
) -> None:
    with log_lines_of(notify_slack.logger) as lines:
        assert worker.handle(of(ONE, TWO, THREE), context()) == NOTHING_FAILED
    assert posted(slack) == [f"🟠 Warning: 1 goal not met in recording {number}" for number in (1, 2, 3)]
    assert deliveries(aws) == {f"RECORDING#{number}": "sent" for number in (1, 2, 3)}
    assert metrics(capsys.readouterr().out) == {"NotificationsSent/slack": 3}
    assert [(line["message"], line["recording_id"]) for line in lines] == [("sent", 1), ("sent", 2), ("sent", 3)]


def test_a_redelivered_alert_is_not_posted_again(
    slack: RawServer, worker: SlackWorker, capsys: pytest.CaptureFixture[str]
) -> None:
    with log_lines_of(notify_slack.logger):
        for _ in range(2):
            assert worker.handle(of(ONE), context()) == NOTHING_FAILED
    assert len(slack.requests) == 1
    assert metrics(capsys.readouterr().out) == {"NotificationsSent/slack": 1, "DuplicatesSkipped": 1}


def test_the_same_alert_twice_in_a_batch_is_posted_once(slack: RawServer, worker: SlackWorker) -> None:
    assert worker.handle(of(ONE, ONE), context()) == NOTHING_FAILED
    assert len(slack.requests) == 1


def test_a_429_defers_no_sooner_than_slack_says(aws: Aws, slack: RawServer, worker: SlackWorker) -> None:
    slack.answers(says(b"rate_limited", "429 Too Many Requests", "Retry-After: 30"))
    assert worker.handle(of(ONE), context()) == NOTHING_FAILED
    [sent] = aws.calls.of("sqs.SendMessage")
    assert sent["QueueUrl"] == aws.queue_url
    assert sent["DelaySeconds"] >= 30
    assert Alert.model_validate_json(sent["MessageBody"]) == ONE
    history = History.model_validate_json(sent["MessageAttributes"][HISTORY_ATTRIBUTE]["StringValue"])
    assert history.not_before_ms >= NOON_MS + 30_000


def test_a_deferred_alert_is_posted_when_it_comes_back(
    aws: Aws, slack: RawServer, worker: SlackWorker, clock: FakeClock
) -> None:
    slack.answers(says(b"oops", "500 Internal Server Error"), says(b"ok"))
    worker.handle(of(ONE), context())
    [sent] = aws.calls.of("sqs.SendMessage")
    clock.advance(sent["DelaySeconds"] * 1_000)
    history = sent["MessageAttributes"][HISTORY_ATTRIBUTE]["StringValue"]
    copy = sqs_record(sent["MessageBody"], sent_ms=NOON_MS, history=history)
    assert worker.handle({"Records": [copy]}, context()) == NOTHING_FAILED
    assert deliveries(aws) == {"RECORDING#1": "sent"}


def test_a_post_whose_answer_was_lost_is_repeated_after_its_lease_and_counted(
    slack: RawServer, worker: SlackWorker, clock: FakeClock, capsys: pytest.CaptureFixture[str]
) -> None:
    slack.answers(cuts(), says(b"ok"))
    worker.handle(of(ONE), context())
    worker.handle(of(ONE), context())
    assert len(slack.requests) == 1
    clock.advance(LEASE_MS)
    worker.handle(of(ONE, sent_ms=clock()), context())
    assert len(slack.requests) == 2
    counted = metrics(capsys.readouterr().out.splitlines()[-1])
    assert counted == {"NotificationsSent/slack": 1, "NotificationsRepeated/slack": 1}


def test_a_permanent_refusal_is_a_dead_letter_with_slacks_word(
    aws: Aws, slack: RawServer, worker: SlackWorker, capsys: pytest.CaptureFixture[str]
) -> None:
    slack.answers(says(b"channel_is_archived", "410 Gone"))
    with log_lines_of(notify_slack.logger):
        assert worker.handle(of(ONE), context()) == NOTHING_FAILED
    [letter] = aws.dead_letters()
    assert letter["dead_letter_reason"] == "channel_is_archived"
    assert letter["dead_letter_message"].endswith("recording 1: Slack answered 410 channel_is_archived.")
    assert Alert.model_validate_json(letter["body"]) == ONE
    assert metrics(capsys.readouterr().out) == {"NotificationsFailed/slack/channel_is_archived": 1}


def test_one_bad_record_never_hurts_its_neighbours(aws: Aws, slack: RawServer, worker: SlackWorker) -> None:
    slack.answers(says(b"no_active_hooks", "404 Not Found"), says(b"oops", "503 Service Unavailable"), says(b"ok"))
    given = of(ONE, TWO, THREE)
    given["Records"].insert(1, sqs_record("not an alert", 9, sent_ms=NOON_MS))
    assert worker.handle(given, context()) == NOTHING_FAILED
    assert deliveries(aws)["RECORDING#3"] == "sent"
    assert sorted(letter["dead_letter_reason"] for letter in aws.dead_letters()) == [
        "malformed_alert",
        "no_active_hooks",
    ]
    assert sum(aws.waiting(aws.queue_url)) == 1


@pytest.mark.parametrize("body", ["", "not JSON", "{}", "[" * 100_000, '{"schema_version": 2}', "x" * 1_048_576])
def test_what_is_no_alert_is_a_dead_letter(aws: Aws, slack: RawServer, worker: SlackWorker, body: str) -> None:
    assert worker.handle(batch(body), context()) == NOTHING_FAILED
    [letter] = aws.dead_letters()
    assert letter["dead_letter_reason"] == "malformed_alert"
    assert slack.requests == []


class TestNowhereToGo:
    @pytest.mark.parametrize("email", [False, True])
    def test_silence_is_never_a_mistake(
        self, aws: Aws, clock: FakeClock, capsys: pytest.CaptureFixture[str], email: bool
    ) -> None:
        with log_lines_of(notify_slack.logger) as lines:
            assert slack_worker(aws, clock, email_configured=email).handle(of(ONE), context()) == NOTHING_FAILED
        if email:
            assert [line["message"] for line in lines] == ["slack_is_off"]
            assert aws.dead_letters() == []
        else:
            assert [letter["dead_letter_reason"] for letter in aws.dead_letters()] == ["no_destination"]
            assert metrics(capsys.readouterr().out) == {"NotificationsFailed/slack/no_destination": 1}

    def test_a_dead_letter_redriven_after_the_url_was_stored_is_posted(
        self, aws: Aws, slack: RawServer, clock: FakeClock
    ) -> None:
        worker = slack_worker(aws, clock)
        worker.handle(of(ONE), context())
        aws.put_parameter(URL, f"{slack.url}/services/T/B/secret")
        clock.advance(60_000)
        assert worker.handle(received(aws, aws.dead_letter_url, clock()), context()) == NOTHING_FAILED
        assert len(slack.requests) == 1

    def test_a_url_that_is_none_waits_for_the_operator(self, aws: Aws, clock: FakeClock) -> None:
        aws.put_parameter(URL, "hooks.slack.com/services/secret")
        assert slack_worker(aws, clock).handle(of(ONE), context()) == NOTHING_FAILED
        assert sum(aws.waiting(aws.queue_url)) == 1


class TestUnexpected:
    """A failed record is named, logged, counted, and asked to come back later."""

    def fails(self, worker: SlackWorker, given: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> Any:
        with log_lines_of(notify_slack.logger) as lines:
            answer = worker.handle(given, context())
        told = [line for line in lines if line["level"] == "ERROR"]
        assert len(told) == len(answer["batchItemFailures"])
        assert metrics(capsys.readouterr().out)["RecordsFailed"] == len(told)
        return answer

    def test_a_table_that_is_gone_fails_every_record(
        self, aws: Aws, slack: RawServer, worker: SlackWorker, capsys: pytest.CaptureFixture[str]
    ) -> None:
        aws.dynamodb.delete_table(TableName=TABLE)
        assert self.fails(worker, of(ONE, TWO), capsys) == failures(1, 2)
        assert slack.requests == []

    def test_a_parameter_store_out_of_reach_too(
        self, worker: SlackWorker, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def unreachable(**_: Any) -> None:
            raise ConnectionError("Parameter Store")

        monkeypatch.setattr(worker._slack._parameters._ssm, "get_parameters", unreachable)
        assert self.fails(worker, of(ONE), capsys) == failures(1)

    def test_a_dead_letter_that_cannot_be_sent_fails_its_record_only(
        self, aws: Aws, slack: RawServer, worker: SlackWorker, capsys: pytest.CaptureFixture[str]
    ) -> None:
        aws.sqs.delete_queue(QueueUrl=aws.dead_letter_url)
        given = of(ONE)
        given["Records"].insert(0, sqs_record("not an alert", 9, sent_ms=NOON_MS))
        assert self.fails(worker, given, capsys) == failures(9)
        assert len(slack.requests) == 1

    def test_a_failed_alert_comes_back_later_each_time(
        self, aws: Aws, worker: SlackWorker, capsys: pytest.CaptureFixture[str]
    ) -> None:
        aws.dynamodb.delete_table(TableName=TABLE)
        aws.sqs.send_message(QueueUrl=aws.queue_url, MessageBody=ONE.model_dump_json())
        given = received(aws, aws.queue_url, NOON_MS)
        given["Records"][0]["attributes"]["ApproximateReceiveCount"] = "4"
        self.fails(worker, given, capsys)
        assert [call["VisibilityTimeout"] for call in aws.calls.of("sqs.ChangeMessageVisibility")] == [270]


def test_nothing_is_started_too_near_the_deadline(aws: Aws, slack: RawServer, worker: SlackWorker) -> None:
    assert worker.handle(of(ONE), context(remaining_ms=11_000)) == NOTHING_FAILED
    assert (slack.requests, aws.waiting(aws.queue_url)) == ([], (1, 0))


def test_a_delivery_is_two_writes(aws: Aws, worker: SlackWorker) -> None:
    worker.handle(of(ONE), context())
    aws.calls.clear()
    worker.handle(of(TWO), context())
    assert aws.calls.names == ["dynamodb.UpdateItem"] * 2


def test_what_the_topic_publishes_is_what_slack_gets(aws: Aws, slack: RawServer, worker: SlackWorker) -> None:
    SnsAlertTopic(aws.sns, aws.topic_arn).publish(alert(unmet(), long_pause()))
    assert worker.handle(received(aws, aws.subscriber_url, NOON_MS), context()) == NOTHING_FAILED
    assert posted(slack) == ["🟠 Warning: 1 goal not met and 1 pause too long in recording 123"]
