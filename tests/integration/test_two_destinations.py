"""The notifier with Slack and e-mail: neither's failure stops or repeats the other."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from adapters.email_topic import KEPT_MS
from domain.alerts.alert import Alert, email_subject
from domain.lease import LEASE_MS
from domain.retry import GIVE_UP_AFTER_MS
from handlers import notify_slack
from tests.fakes.clock import FakeClock
from tests.fakes.make import alert, unmet
from tests.integration.aws import Aws
from tests.integration.evaluation import history_of
from tests.integration.socket_server import RawServer, says
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
ONE, TWO = (alert(unmet(number), recording=number) for number in (1, 2))
NOTHING_FAILED = failures()
IS_DOWN = says(b"oops", "503 Service Unavailable")
IS_ARCHIVED = says(b"channel_is_archived", "410 Gone")


class Notifier:
    """The function, Slack's server and the e-mail topic with one confirmed mailbox."""

    def __init__(self, aws: Aws, slack: RawServer, clock: FakeClock, capsys: pytest.CaptureFixture[str]) -> None:
        self.aws, self.slack, self.clock, self._capsys = aws, slack, clock, capsys
        aws.put_parameter(URL, f"{slack.url}/services/T/B/secret")
        self.topic_arn = aws.sns.create_topic(Name="emails")["TopicArn"]
        self.subscribe()
        self.worker = slack_worker(aws, clock, self.topic_arn)
        self.logged: list[dict[str, Any]] = []

    def subscribe(self) -> None:
        self.aws.sns.subscribe(TopicArn=self.topic_arn, Protocol="email", Endpoint="team@example.com")

    def unsubscribe(self) -> None:
        [found] = self.aws.sns.list_subscriptions_by_topic(TopicArn=self.topic_arn)["Subscriptions"]
        self.aws.sns.unsubscribe(SubscriptionArn=found["SubscriptionArn"])

    def handle(self, event: dict[str, Any], remaining_ms: int = 30_000) -> dict[str, Any]:
        with log_lines_of(notify_slack.logger) as self.logged:
            return self.worker.handle(event, context(remaining_ms))

    def deliver(self, *alerts: Alert | str) -> dict[str, Any]:
        bodies = (each if isinstance(each, str) else each.model_dump_json() for each in alerts)
        return self.handle(batch(*bodies, sent_ms=self.clock()))

    def copies(self) -> list[dict[str, Any]]:
        """The deferred copies sent so far, as they were sent."""
        return [sent for sent in self.aws.calls.of("sqs.SendMessage") if sent["QueueUrl"] == self.aws.queue_url]

    def deliver_copy(self) -> dict[str, Any]:
        """The last deferred copy, as soon as its delay is over."""
        copy = self.copies()[-1]
        history = history_of(copy)
        self.clock.advance(max(0, history.not_before_ms - self.clock()))
        record = sqs_record(copy["MessageBody"], sent_ms=history.copied_ms, history=history.model_dump_json())
        return self.handle({"Records": [record]})

    def posts(self) -> int:
        return len(self.slack.requests)

    def mails(self) -> list[str]:
        return [sent["Subject"] for sent in self.aws.calls.of("sns.Publish")]

    def deliveries(self) -> dict[str, str]:
        """The delivery items in the table: state by recording and destination."""
        return {f"{i['pk']['S']} {i['sk']['S'].rpartition('#')[2]}": i["state"]["S"] for i in self.aws.items()}

    def counted(self) -> dict[str, float]:
        return counted(self._capsys.readouterr().out)


def lost_after(call: Callable[..., Any]) -> Callable[..., Any]:
    """The call takes effect, and its answer is lost."""

    def lost(**arguments: Any) -> None:
        call(**arguments)
        raise ReadTimeoutError(endpoint_url="https://sns.eu-central-1.amazonaws.com")

    return lost


@pytest.fixture
def notifier(aws: Aws, server: RawServer, clock: FakeClock, capsys: pytest.CaptureFixture[str]) -> Notifier:
    return Notifier(aws, server, clock, capsys)


def test_an_alert_goes_to_both_each_with_its_own_entry(notifier: Notifier) -> None:
    assert notifier.deliver(ONE) == NOTHING_FAILED
    assert (notifier.posts(), notifier.mails()) == (1, [email_subject(ONE)])
    assert notifier.deliveries() == {"RECORDING#1 slack": "sent", "RECORDING#1 email": "sent"}
    assert notifier.counted() == {"NotificationsSent/slack": 1, "NotificationsSent/email": 1}
    assert [(line["message"], line["destination"]) for line in notifier.logged] == [
        ("sent", "slack"),
        ("sent", "email"),
    ]


def test_one_that_comes_twice_goes_to_each_once(notifier: Notifier) -> None:
    assert notifier.deliver(ONE, ONE) == NOTHING_FAILED
    assert (notifier.posts(), len(notifier.mails())) == (1, 1)
    assert notifier.counted()["DuplicatesSkipped"] == 2


def test_what_is_no_alert_is_one_dead_letter(notifier: Notifier) -> None:
    assert notifier.deliver("not an alert") == NOTHING_FAILED
    assert [letter["dead_letter_reason"] for letter in notifier.aws.dead_letters()] == ["malformed_alert"]


class TestSlackFails:
    def test_a_slack_that_is_down_waits_alone(self, notifier: Notifier) -> None:
        notifier.slack.answers(IS_DOWN, says(b"ok"))
        assert notifier.deliver(ONE) == NOTHING_FAILED
        assert notifier.counted() == {"NotificationsDeferred/slack/upstream_down": 1, "NotificationsSent/email": 1}
        assert notifier.deliver_copy() == NOTHING_FAILED
        assert (notifier.posts(), len(notifier.mails())) == (2, 1)
        assert notifier.counted() == {"NotificationsSent/slack": 1}

    def test_a_refusal_is_a_dead_letter_and_the_e_mail_goes_out(self, notifier: Notifier) -> None:
        notifier.slack.answers(IS_ARCHIVED, says(b"ok"))
        assert notifier.deliver(ONE) == NOTHING_FAILED
        assert len(notifier.mails()) == 1
        notifier.clock.advance(60_001)
        redriven = received(notifier.aws, notifier.aws.dead_letter_url, notifier.clock())
        [letter] = redriven["Records"]
        assert letter["messageAttributes"]["dead_letter_reason"]["stringValue"] == "channel_is_archived"
        assert notifier.handle(redriven) == NOTHING_FAILED
        assert (notifier.posts(), len(notifier.mails())) == (2, 1)

    def test_what_is_unexpected_there_fails_the_message_and_the_e_mail_is_not_repeated(
        self, notifier: Notifier, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def unreachable(**_: Any) -> None:
            raise ConnectionError("Parameter Store")

        with monkeypatch.context() as broken:
            broken.setattr(notifier.aws.ssm, "get_parameters", unreachable)
            assert notifier.deliver(ONE, TWO) == failures(1, 2)
        assert notifier.mails() == [email_subject(ONE), email_subject(TWO)]
        assert notifier.deliver(ONE, TWO) == NOTHING_FAILED
        assert (notifier.posts(), len(notifier.mails())) == (2, 2)

    def test_a_slack_that_is_not_configured_is_off(self, notifier: Notifier) -> None:
        notifier.aws.ssm.delete_parameter(Name=URL)
        assert notifier.deliver(ONE) == NOTHING_FAILED
        assert notifier.deliveries() == {"RECORDING#1 email": "sent"}
        assert [line["message"] for line in notifier.logged] == ["switched_off", "sent"]
        assert notifier.aws.dead_letters() == []


class TestEmailFails:
    def test_an_alert_waits_for_the_subscription_and_says_that_an_operator_is_needed(self, notifier: Notifier) -> None:
        notifier.unsubscribe()
        assert notifier.deliver(ONE) == NOTHING_FAILED
        assert notifier.counted() == {
            "NotificationsSent/slack": 1,
            "NotificationsDeferred/email/email_unconfirmed": 1,
            "OperatorNeeded": 1,
        }
        notifier.subscribe()
        notifier.clock.advance(KEPT_MS)
        assert notifier.deliver_copy() == NOTHING_FAILED
        assert (notifier.posts(), len(notifier.mails())) == (1, 1)

    def test_an_e_mail_whose_answer_was_lost_is_repeated_after_its_lease_and_counted(
        self, notifier: Notifier, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with monkeypatch.context() as broken:
            broken.setattr(notifier.aws.sns, "publish", lost_after(notifier.aws.sns.publish))
            assert notifier.deliver(ONE) == NOTHING_FAILED
        notifier.counted()
        notifier.clock.advance(LEASE_MS)
        assert notifier.deliver_copy() == NOTHING_FAILED
        assert (notifier.posts(), len(notifier.mails())) == (1, 2)
        assert notifier.counted() == {"NotificationsSent/email": 1, "NotificationsRepeated/email": 1}

    def test_after_a_day_it_is_a_dead_letter_that_names_the_reason(self, notifier: Notifier) -> None:
        notifier.unsubscribe()
        notifier.deliver(ONE)
        notifier.clock.advance(GIVE_UP_AFTER_MS)
        assert notifier.deliver_copy() == NOTHING_FAILED
        [letter] = notifier.aws.dead_letters()
        assert letter["dead_letter_reason"] == "email_unconfirmed"
        assert "AlertEmail" in letter["dead_letter_message"]


def test_both_wait_apart_each_for_its_own_time(notifier: Notifier) -> None:
    notifier.slack.answers(says(b"rate_limited", "429 Too Many Requests", "Retry-After: 300"))
    notifier.unsubscribe()
    assert notifier.deliver(ONE) == NOTHING_FAILED
    slack, email = notifier.copies()
    assert slack["DelaySeconds"] >= 300 > email["DelaySeconds"]
    assert [history_of(each).destination for each in (slack, email)] == ["slack", "email"]
    assert notifier.posts() == 1


def test_too_little_time_starts_neither_and_defers_both(notifier: Notifier) -> None:
    assert notifier.handle(batch(ONE.model_dump_json()), remaining_ms=11_000) == NOTHING_FAILED
    assert (notifier.posts(), notifier.mails(), len(notifier.copies())) == (0, [], 2)


@pytest.mark.parametrize(("slack_is_on", "reason"), [(True, None), (False, "no_destination")])
def test_a_copy_for_an_address_that_is_gone_is_for_the_rest(
    notifier: Notifier, slack_is_on: bool, reason: str | None
) -> None:
    notifier.unsubscribe()
    notifier.deliver(ONE)
    notifier.worker = slack_worker(notifier.aws, notifier.clock)
    if not slack_is_on:
        notifier.aws.ssm.delete_parameter(Name=URL)
    notifier.clock.advance(KEPT_MS)  # Parameter Store's entries are kept as long
    assert notifier.deliver_copy() == NOTHING_FAILED
    assert [letter["dead_letter_reason"] for letter in notifier.aws.dead_letters()] == ([reason] if reason else [])
    assert notifier.posts() == 1
