"""The notifier with Slack alone and with e-mail beside it: neither's failure stops or repeats the other."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from adapters.alert_topic import SnsAlertTopic
from adapters.email_topic import KEPT_MS
from domain.alerts.alert import Alert, email_subject
from domain.lease import LEASE_MS
from tests.fakes.clock import NOON_MS, FakeClock
from tests.fakes.make import alert, long_pause, unmet
from tests.fakes.sqs import batch, failures
from tests.integration.aws import Aws
from tests.integration.notifier import NOTHING_FAILED, URL, Notifier, alert_title
from tests.integration.socket_server import RawServer, says
from tests.integration.workers import notification_worker, received

ONE, TWO, THREE = (alert(unmet(number), recording=number) for number in (1, 2, 3))
OK = says(b"ok")
IS_DOWN = says(b"oops", "503 Service Unavailable")
IS_ARCHIVED = says(b"channel_is_archived", "410 Gone")
IS_BUSY = says(b"rate_limited", "429 Too Many Requests", "Retry-After: 300")


@pytest.fixture
def notifier(aws: Aws, server: RawServer, clock: FakeClock, capsys: pytest.CaptureFixture[str]) -> Notifier:
    """Slack alone."""
    return Notifier(aws, server, clock, capsys)


@pytest.fixture
def both(notifier: Notifier) -> Notifier:
    """Slack and e-mail."""
    return notifier.with_email()


def test_a_batch_is_posted_in_order_one_message_an_alert(notifier: Notifier) -> None:
    assert notifier.deliver(ONE, TWO, THREE) == NOTHING_FAILED
    assert notifier.posted() == [alert_title(number) for number in (1, 2, 3)]
    assert notifier.deliveries() == {f"RECORDING#{number} slack": "sent" for number in (1, 2, 3)}
    assert notifier.aws.calls.names.count("dynamodb.UpdateItem") == 2 * 3


def test_an_alert_from_the_topic_reaches_slack(notifier: Notifier) -> None:
    SnsAlertTopic(notifier.aws.sns, notifier.aws.topic_arn, notifier.clock).publish(alert(unmet(), long_pause()))
    assert notifier.handle(received(notifier.aws, notifier.aws.subscriber_url, NOON_MS)) == NOTHING_FAILED
    assert notifier.posted() == ["🟠 Warning: 1 goal not met and 1 pause too long in recording 123"]


def test_an_alert_goes_to_both_each_with_its_own_entry(both: Notifier) -> None:
    assert both.deliver(ONE) == NOTHING_FAILED
    assert (both.posted(), both.mailed()) == ([alert_title(1)], [email_subject(ONE)])
    assert both.deliveries() == {"RECORDING#1 slack": "sent", "RECORDING#1 email": "sent"}
    assert both.counted() == {"NotificationsSent/slack": 1, "NotificationsSent/email": 1}
    assert [(line["message"], line["destination"], line["recording_id"]) for line in both.logged] == [
        ("sent", "slack", 1),
        ("sent", "email", 1),
    ]


@pytest.mark.parametrize("batches", [[[ONE], [ONE]], [[ONE, ONE]]], ids=["redelivered", "twice in a batch"])
def test_an_alert_that_comes_twice_goes_to_each_once(both: Notifier, batches: list[list[Alert]]) -> None:
    for each in batches:
        assert both.deliver(*each) == NOTHING_FAILED
    assert (len(both.posted()), len(both.mailed())) == (1, 1)
    assert both.counted()["DuplicatesSkipped"] == 2


@pytest.mark.parametrize("body", ["", "not JSON", "[" * 100_000, '{"schema_version": 2}', "x" * 1_048_576])
def test_a_message_that_is_not_an_alert_becomes_one_dead_letter(both: Notifier, body: str) -> None:
    assert both.deliver(body) == NOTHING_FAILED
    assert both.dead_letter_reasons() == ["malformed_alert"]
    assert both.posted() == []


def test_a_refused_alert_and_a_bad_record_never_hurt_their_neighbours(notifier: Notifier) -> None:
    notifier.slack.answers(IS_ARCHIVED, IS_DOWN, OK)
    assert notifier.deliver(ONE, "not an alert", TWO, THREE) == NOTHING_FAILED
    assert notifier.deliveries()["RECORDING#3 slack"] == "sent"
    assert len(notifier.copies()) == 1
    letters = {letter["dead_letter_reason"]: letter for letter in notifier.aws.dead_letters()}
    assert letters.keys() == {"channel_is_archived", "malformed_alert"}
    refused = letters["channel_is_archived"]
    assert refused["dead_letter_message"].endswith("recording 1: Slack answered 410 channel_is_archived.")
    assert Alert.model_validate_json(refused["body"]) == ONE
    assert notifier.counted()["NotificationsFailed/slack/channel_is_archived"] == 1


def test_a_dead_letter_that_cannot_be_sent_fails_its_record_only(notifier: Notifier) -> None:
    notifier.aws.sqs.delete_queue(QueueUrl=notifier.aws.dead_letter_url)
    assert notifier.deliver("not an alert", ONE) == failures(1)
    assert notifier.posted() == [alert_title(1)]


def test_too_little_time_starts_neither_and_defers_both(both: Notifier) -> None:
    assert both.handle(batch(ONE.model_dump_json()), remaining_ms=11_000) == NOTHING_FAILED
    assert (both.posted(), both.mailed(), len(both.copies())) == ([], [], 2)


def test_both_wait_apart_each_for_its_own_time(both: Notifier) -> None:
    both.slack.answers(IS_BUSY)
    both.unsubscribe()
    assert both.deliver(ONE) == NOTHING_FAILED
    slack, email = both.copies()
    assert slack["DelaySeconds"] >= 300 > email["DelaySeconds"]


class TestSlackFails:
    def test_a_slack_that_is_down_waits_alone(self, both: Notifier) -> None:
        both.slack.answers(IS_DOWN, OK)
        assert both.deliver(ONE) == NOTHING_FAILED
        assert both.counted() == {"NotificationsDeferred/slack/upstream_down": 1, "NotificationsSent/email": 1}
        assert both.deliver_copy() == NOTHING_FAILED
        assert (len(both.posted()), len(both.mailed())) == (2, 1)
        assert both.counted() == {"NotificationsSent/slack": 1}

    def test_a_redriven_refusal_is_posted_and_the_e_mail_is_not_repeated(self, both: Notifier) -> None:
        both.slack.answers(IS_ARCHIVED, OK)
        assert both.deliver(ONE) == NOTHING_FAILED
        both.clock.advance(60_001)
        assert both.handle(received(both.aws, both.aws.dead_letter_url, both.clock())) == NOTHING_FAILED
        assert (len(both.posted()), len(both.mailed())) == (2, 1)

    def test_an_unexpected_error_fails_the_message_and_the_e_mail_is_not_repeated(
        self, both: Notifier, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def unreachable(**_: Any) -> None:
            raise ConnectionError("Parameter Store")

        with monkeypatch.context() as broken:
            broken.setattr(both.aws.ssm, "get_parameters", unreachable)
            assert both.deliver(ONE, TWO) == failures(1, 2)
        assert both.counted()["RecordsFailed"] == 2
        assert both.mailed() == [email_subject(ONE), email_subject(TWO)]
        assert both.deliver(ONE, TWO) == NOTHING_FAILED
        assert (len(both.posted()), len(both.mailed())) == (2, 2)

    def test_a_url_that_is_none_waits_for_the_operator(self, notifier: Notifier) -> None:
        notifier.aws.put_parameter(URL, "hooks.slack.com/services/secret")
        assert notifier.deliver(ONE) == NOTHING_FAILED
        assert len(notifier.copies()) == 1


class TestSlackIsOff:
    def test_beside_e_mail_nothing_is_missing(self, both: Notifier) -> None:
        both.aws.ssm.delete_parameter(Name=URL)
        assert both.deliver(ONE) == NOTHING_FAILED
        assert both.deliveries() == {"RECORDING#1 email": "sent"}
        assert [line["message"] for line in both.logged] == ["switched_off", "sent"]
        assert both.dead_letter_reasons() == []

    def test_alone_the_alert_is_a_dead_letter_and_posted_when_redriven_after_the_url_was_stored(
        self, notifier: Notifier
    ) -> None:
        notifier.aws.ssm.delete_parameter(Name=URL)
        assert notifier.deliver(ONE) == NOTHING_FAILED
        assert notifier.counted() == {"NotificationsFailed/slack/no_destination": 1}
        notifier.store_url()
        notifier.clock.advance(60_000)
        redriven = received(notifier.aws, notifier.aws.dead_letter_url, notifier.clock())
        assert notifier.handle(redriven) == NOTHING_FAILED
        assert notifier.posted() == [alert_title(1)]


def lost_after(call: Callable[..., Any]) -> Callable[..., Any]:
    """The call takes effect, and its answer is lost."""

    def lost(**arguments: Any) -> None:
        call(**arguments)
        raise ReadTimeoutError(endpoint_url="https://sns.eu-central-1.amazonaws.com")

    return lost


class TestEmailFails:
    def test_an_alert_waits_for_the_subscription_and_says_that_an_operator_is_needed(self, both: Notifier) -> None:
        both.unsubscribe()
        assert both.deliver(ONE) == NOTHING_FAILED
        assert both.counted() == {
            "NotificationsSent/slack": 1,
            "NotificationsDeferred/email/email_unconfirmed": 1,
            "OperatorNeeded": 1,
        }
        both.subscribe()
        both.clock.advance(KEPT_MS)
        assert both.deliver_copy() == NOTHING_FAILED
        assert (len(both.posted()), len(both.mailed())) == (1, 1)

    def test_an_e_mail_whose_answer_was_lost_is_repeated_after_its_lease_and_counted(
        self, both: Notifier, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with monkeypatch.context() as broken:
            broken.setattr(both.aws.sns, "publish", lost_after(both.aws.sns.publish))
            assert both.deliver(ONE) == NOTHING_FAILED
        both.counted()
        both.clock.advance(LEASE_MS)
        assert both.deliver_copy() == NOTHING_FAILED
        assert (len(both.posted()), len(both.mailed())) == (1, 2)
        assert both.counted() == {"NotificationsSent/email": 1, "NotificationsRepeated/email": 1}

    @pytest.mark.parametrize(("slack_is_on", "reasons"), [(True, []), (False, ["no_destination"])])
    def test_a_copy_for_an_address_that_is_gone_is_for_the_rest(
        self, both: Notifier, slack_is_on: bool, reasons: list[str]
    ) -> None:
        both.unsubscribe()
        both.deliver(ONE)
        both.worker = notification_worker(both.aws, both.clock)
        if not slack_is_on:
            both.aws.ssm.delete_parameter(Name=URL)
        both.clock.advance(KEPT_MS)  # Parameter Store's entries are kept as long
        assert both.deliver_copy() == NOTHING_FAILED
        assert both.dead_letter_reasons() == reasons
        assert len(both.posted()) == 1
