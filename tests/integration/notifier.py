"""The notifier on an account, with Slack's server and, where a test wants it, one confirmed mailbox."""

import json
from typing import Any

import pytest

from domain.alerts.alert import Alert
from handlers import notify_slack
from tests.fakes.clock import FakeClock
from tests.fakes.sqs import batch, failures, sqs_record
from tests.integration.aws import Aws
from tests.integration.evaluation import history_of
from tests.integration.socket_server import RawServer
from tests.integration.workers import PREFIX, context, counted, log_lines_of, notification_worker

URL = f"{PREFIX}/slack-webhook-url"
NOTHING_FAILED = failures()


class Notifier:
    """The function. `slack` is what it posts to, `logged` are the lines of the last invocation."""

    def __init__(self, aws: Aws, slack: RawServer, clock: FakeClock, capsys: pytest.CaptureFixture[str]) -> None:
        self.aws, self.slack, self.clock, self._capsys = aws, slack, clock, capsys
        self.store_url()
        self.worker = notification_worker(aws, clock)
        self.logged: list[dict[str, Any]] = []

    def store_url(self) -> None:
        self.aws.put_parameter(URL, f"{self.slack.url}/services/T/B/secret")

    def with_email(self) -> "Notifier":
        self.topic_arn = self.aws.sns.create_topic(Name="emails")["TopicArn"]
        self.subscribe()
        self.worker = notification_worker(self.aws, self.clock, self.topic_arn)
        return self

    def subscribe(self) -> None:
        self.aws.sns.subscribe(TopicArn=self.topic_arn, Protocol="email", Endpoint="team@example.com")

    def unsubscribe(self) -> None:
        [found] = self.aws.sns.list_subscriptions_by_topic(TopicArn=self.topic_arn)["Subscriptions"]
        self.aws.sns.unsubscribe(SubscriptionArn=found["SubscriptionArn"])

    def handle(self, event: dict[str, Any], remaining_ms: int = 30_000) -> dict[str, Any]:
        with log_lines_of(notify_slack.logger) as self.logged:
            return self.worker.handle(event, context(remaining_ms))

    def deliver(self, *alerts: Alert | str) -> dict[str, Any]:
        """A batch as the topic's raw delivery and Lambda make it, sent now."""
        bodies = (each if isinstance(each, str) else each.model_dump_json() for each in alerts)
        return self.handle(batch(*bodies, sent_ms=self.clock()))

    def copies(self) -> list[dict[str, Any]]:
        """The deferred copies sent so far, as they were sent."""
        return [sent for sent in self.aws.calls.of("sqs.SendMessage") if sent["QueueUrl"] == self.aws.queue_url]

    def deliver_copy(self) -> dict[str, Any]:
        """Deliver the last deferred copy as soon as its delay is over."""
        copy = self.copies()[-1]
        history = history_of(copy)
        self.clock.advance(max(0, history.not_before_ms - self.clock()))
        record = sqs_record(copy["MessageBody"], sent_ms=history.copied_ms, history=history.model_dump_json())
        return self.handle({"Records": [record]})

    def posted(self) -> list[str]:
        """The first lines of what Slack has got."""
        return [json.loads(request.partition("\r\n\r\n")[2])["text"] for request in self.slack.requests]

    def mailed(self) -> list[str]:
        """The subjects of the e-mails."""
        return [sent["Subject"] for sent in self.aws.calls.of("sns.Publish")]

    def deliveries(self) -> dict[str, str]:
        """The delivery items in the table: state by recording and destination."""
        return {f"{i['pk']['S']} {i['sk']['S'].rpartition('#')[2]}": i["state"]["S"] for i in self.aws.items()}

    def dead_letter_reasons(self) -> list[str]:
        return [letter["dead_letter_reason"] for letter in self.aws.dead_letters()]

    def counted(self) -> dict[str, float]:
        return counted(self._capsys.readouterr().out)


def alert_title(recording: int) -> str:
    """The first line about an alert with one unmet goal."""
    return f"🟠 Warning: 1 goal not met in recording {recording}"
