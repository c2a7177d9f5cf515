"""The alert topic on SNS: one message, a text of its own for e-mail, attributes to filter by."""

import json
import socket
from typing import TYPE_CHECKING

import boto3
import pytest

from adapters.alert_topic import SnsAlertTopic
from domain.alerts.alert import Alert, email_subject, email_text
from domain.errors import Unavailable
from domain.rules.violation import Severity
from runtime.outside import PUBLISH_CONFIG
from tests.fakes.clock import FakeClock
from tests.fakes.make import alert, details, long_pause, unmet
from tests.integration.aws import REGION, Aws
from tests.integration.socket_server import RawServer, resets, says

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient

TAKEN = b"<PublishResponse><PublishResult><MessageId>1</MessageId></PublishResult></PublishResponse>"
THE_ALERT = alert(unmet(name="Grüße 挨拶 👋", severity=Severity.CRITICAL), long_pause(), known=details(name="«Call»"))


@pytest.fixture
def topic(aws: Aws, clock: FakeClock) -> SnsAlertTopic:
    return SnsAlertTopic(aws.sns, aws.topic_arn, clock)


def test_a_subscriber_gets_the_alert_as_json(aws: Aws, topic: SnsAlertTopic) -> None:
    topic.publish(THE_ALERT)
    [message] = aws.messages(aws.subscriber_url)
    assert Alert.model_validate_json(message["Body"]) == THE_ALERT


def test_its_attributes_can_be_filtered_by(aws: Aws, topic: SnsAlertTopic) -> None:
    topic.publish(THE_ALERT)
    [message] = aws.messages(aws.subscriber_url)
    attributes = {name: value["StringValue"] for name, value in message["MessageAttributes"].items()}
    assert attributes == {
        "event_type": "alert",
        "severity": "critical",
        "rule_ids": '["long-pause", "unmet-goal"]',
        "recording_id": "123",
    }
    [published] = aws.calls.of("sns.Publish")
    assert published["MessageAttributes"]["rule_ids"]["DataType"] == "String.Array"


def test_people_get_a_text_of_their_own(aws: Aws, topic: SnsAlertTopic) -> None:
    topic.publish(THE_ALERT)
    [published] = aws.calls.of("sns.Publish")
    assert published["Subject"] == email_subject(THE_ALERT)
    assert published["MessageStructure"] == "json"
    assert json.loads(published["Message"])["email"] == email_text(THE_ALERT)


class TakesOneRequestAConnection:
    """A connection that dies while idle: the client hears of it only by its next request, as after a freeze."""

    def __init__(self) -> None:
        self._used: list[socket.socket] = []

    def __call__(self, connection: socket.socket) -> None:
        act = resets() if connection in self._used else says(TAKEN)
        self._used.append(connection)
        act(connection)


class TestIdleConnection:
    @pytest.fixture
    def sns(self, server: RawServer) -> "SNSClient":
        server.answers(TakesOneRequestAConnection())
        return boto3.client(
            "sns",
            endpoint_url=server.url,
            region_name=REGION,
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=PUBLISH_CONFIG,
        )

    @pytest.fixture
    def topic(self, sns: "SNSClient", clock: FakeClock) -> SnsAlertTopic:
        return SnsAlertTopic(sns, "arn:aws:sns:eu-central-1:123456789012:alerts", clock)

    def test_a_publish_after_idleness_opens_a_fresh_one(
        self, topic: SnsAlertTopic, server: RawServer, clock: FakeClock
    ) -> None:
        for _ in range(3):
            topic.publish(THE_ALERT)
            clock.advance(10_001)
        assert len(server.connections) == len(server.requests) == 3

    def test_one_used_just_now_is_used_again(self, topic: SnsAlertTopic, server: RawServer, clock: FakeClock) -> None:
        server.answers(says(TAKEN))
        for _ in range(3):
            topic.publish(THE_ALERT)
            clock.advance(9_000)
        assert (len(server.connections), len(server.requests)) == (1, 3)

    def test_the_server_does_kill_a_connection_that_is_used_again(
        self, topic: SnsAlertTopic, server: RawServer
    ) -> None:
        topic.publish(THE_ALERT)
        with pytest.raises(Unavailable, match="no answer from SNS") as raised:
            topic.publish(THE_ALERT)
        assert raised.value.perhaps_done
        assert len(server.connections) == 1

    def test_an_alert_that_reached_no_server_was_certainly_not_published(
        self, topic: SnsAlertTopic, server: RawServer
    ) -> None:
        server.stop()
        with pytest.raises(Unavailable, match="no connection to SNS") as raised:
            topic.publish(THE_ALERT)
        assert not raised.value.perhaps_done
