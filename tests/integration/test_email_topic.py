"""E-mail through SNS: one message for people, and none while no mailbox would get it."""

import traceback
from typing import Any

import pytest
from botocore import exceptions

from adapters.email_topic import KEPT_MS, PAUSE_S, EmailTopic
from domain.alerts.alert import email_subject, email_text
from domain.errors import AlertsError, EmailUnconfirmed, Throttled, Unavailable
from tests.fakes.clock import FakeClock
from tests.fakes.make import alert, unmet
from tests.integration.aws import Aws

SPOKEN = "my card number is 4111"
ADDRESS = "team@example.com"
THE_ALERT = alert(unmet(why=SPOKEN))
LIST, PUBLISH = "list_subscriptions_by_topic", "publish"


class Email:
    """The adapter and its topic. A pause is noted among the calls."""

    def __init__(self, aws: Aws, clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> None:
        self.aws, self.clock, self._monkeypatch = aws, clock, monkeypatch
        self.topic_arn = aws.sns.create_topic(Name="emails")["TopicArn"]
        self.adapter = EmailTopic(aws.sns, self.topic_arn, clock, self._pause)

    def _pause(self, seconds: float) -> None:
        assert seconds == PAUSE_S
        self.aws.calls.names.append("pause")
        self.aws.calls.parameters.append({})

    def subscribe(self, protocol: str = "email", endpoint: str = ADDRESS) -> str:
        return self.aws.sns.subscribe(TopicArn=self.topic_arn, Protocol=protocol, Endpoint=endpoint)["SubscriptionArn"]

    def lists(self, *arns: str) -> None:
        """What SNS says of the topic's e-mail subscriptions, in place of the emulator, which confirms them at once."""
        found = [{"Protocol": "email", "Endpoint": ADDRESS, "SubscriptionArn": arn} for arn in arns]
        self._monkeypatch.setattr(self.aws.sns, LIST, lambda **_: {"Subscriptions": found})

    def fails(self, call: str, error: Exception) -> None:
        def failing(**_: Any) -> None:
            raise error

        self._monkeypatch.setattr(self.aws.sns, call, failing)

    def refuses(self, error: type[Exception]) -> Any:
        """The error that a send raises. It shows neither the mailbox nor what people said."""
        with pytest.raises(error) as raised:
            self.adapter.send(THE_ALERT)
        shown = "".join(traceback.format_exception(raised.value))
        assert [word for word in (ADDRESS, SPOKEN) if word in shown] == []
        return raised.value

    def published(self) -> list[dict[str, Any]]:
        return self.aws.calls.of("sns.Publish")


@pytest.fixture
def email(aws: Aws, clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> Email:
    return Email(aws, clock, monkeypatch)


def test_an_alert_is_one_message_for_people(email: Email) -> None:
    email.subscribe()
    answer = email.adapter.send(THE_ALERT)
    [message] = email.published()
    assert message == {
        "TopicArn": email.topic_arn,
        "Subject": email_subject(THE_ALERT),
        "Message": email_text(THE_ALERT),
    }
    assert len(answer) == len("5f0c2f6f-1c9a-4f0f-8f6e-2a11d0a1b2c3")


def test_each_message_has_a_pause_before_it(email: Email) -> None:
    email.subscribe()
    email.aws.calls.clear()
    for number in (1, 2, 3):
        email.adapter.send(alert(recording=number))
    assert email.aws.calls.names == ["sns.ListSubscriptionsByTopic", *["pause", "sns.Publish"] * 3]


def test_a_message_after_idleness_meets_no_old_connection(email: Email, monkeypatch: pytest.MonkeyPatch) -> None:
    email.subscribe()
    closed: list[int] = []
    monkeypatch.setattr(email.aws.sns, "close", lambda: closed.append(email.clock()))
    for idle_ms in (0, 10_000, 10_001):
        email.clock.advance(idle_ms)
        email.adapter.send(THE_ALERT)
    assert closed == [email.clock() - 20_001, email.clock()]


class TestSubscription:
    @pytest.mark.parametrize(
        "arns", [[], ["PendingConfirmation"], ["Deleted"], ["Deleted", "PendingConfirmation"]], ids=str
    )
    def test_nothing_is_sent_while_none_is_confirmed(self, email: Email, arns: list[str]) -> None:
        email.lists(*arns)
        email.refuses(EmailUnconfirmed)
        assert not {"pause", "sns.Publish"} & set(email.aws.calls.names)

    def test_a_subscriber_that_is_no_mailbox_does_not_count(self, email: Email) -> None:
        email.subscribe("sqs", "arn:aws:sqs:eu-central-1:123456789012:subscriber")
        email.refuses(EmailUnconfirmed)

    def test_its_state_is_looked_up_once_a_minute(self, email: Email) -> None:
        arn = email.subscribe()
        email.adapter.send(THE_ALERT)
        email.aws.sns.unsubscribe(SubscriptionArn=arn)
        email.clock.advance(KEPT_MS - 1)
        email.adapter.send(THE_ALERT)
        assert email.aws.calls.names.count("sns.ListSubscriptionsByTopic") == 1
        email.clock.advance(1)
        email.refuses(EmailUnconfirmed)
        email.subscribe()
        email.refuses(EmailUnconfirmed)
        email.clock.advance(KEPT_MS)
        email.adapter.send(THE_ALERT)
        assert email.aws.calls.names.count("sns.ListSubscriptionsByTopic") == 3


def said(code: str, status: int) -> exceptions.ClientError:
    answer: Any = {"Error": {"Code": code, "Message": SPOKEN}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return exceptions.ClientError(answer, "Publish")


URL = "https://sns.eu-central-1.amazonaws.com"
TRANSIENT: list[tuple[Exception, type[AlertsError], bool]] = [
    (said("Throttled", 429), Throttled, False),
    (said("ThrottlingException", 400), Throttled, False),
    (said("KMSThrottling", 400), Throttled, False),
    (said("InternalError", 500), Unavailable, False),
    (said("ServiceUnavailable", 503), Unavailable, False),
    (exceptions.EndpointConnectionError(endpoint_url=URL), Unavailable, False),
    (exceptions.ConnectTimeoutError(endpoint_url=URL), Unavailable, False),
    (exceptions.SSLError(endpoint_url=URL, error=OSError("handshake")), Unavailable, False),
    (exceptions.ReadTimeoutError(endpoint_url=URL), Unavailable, True),
    (exceptions.ConnectionClosedError(endpoint_url=URL), Unavailable, True),
    (exceptions.HTTPClientError(error=OSError("cut")), Unavailable, True),
]
UNEXPECTED = [said("AuthorizationError", 403), said("NotFound", 404), exceptions.NoCredentialsError()]


class TestErrorsOfSns:
    @pytest.mark.parametrize(("error", "raised", "perhaps_sent"), TRANSIENT)
    def test_a_transient_one_waits_and_says_whether_the_message_may_be_out(
        self, email: Email, error: Exception, raised: type[AlertsError], perhaps_sent: bool
    ) -> None:
        email.subscribe()
        email.fails(PUBLISH, error)
        found = email.refuses(raised)
        assert getattr(found, "perhaps_done", False) is perhaps_sent
        assert str(found).startswith(f"Alert {THE_ALERT.alert_id} of recording 123: the e-mail was not taken; ")

    @pytest.mark.parametrize(("error", "raised"), [(error, raised) for error, raised, _ in TRANSIENT])
    def test_a_failed_look_at_the_subscription_sends_nothing_and_is_repeated(
        self, email: Email, monkeypatch: pytest.MonkeyPatch, error: Exception, raised: type[AlertsError]
    ) -> None:
        email.subscribe()
        email.fails(LIST, error)
        assert getattr(email.refuses(raised), "perhaps_done", False) is False
        monkeypatch.undo()
        assert email.published() == []
        email.adapter.send(THE_ALERT)

    @pytest.mark.parametrize("error", UNEXPECTED)
    @pytest.mark.parametrize("call", [LIST, PUBLISH])
    def test_any_other_error_is_raised_as_it_is(self, email: Email, call: str, error: Exception) -> None:
        email.subscribe()
        email.fails(call, error)
        with pytest.raises(type(error)) as raised:
            email.adapter.send(THE_ALERT)
        assert raised.value is error
