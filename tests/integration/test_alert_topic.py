"""The alert topic on SNS: one message, a text of its own for e-mail, attributes to filter by."""

import json

import pytest

from adapters.alert_topic import SnsAlertTopic
from domain.alerts.alert import Alert, email_subject, email_text
from domain.rules.violation import Severity
from tests.fakes.make import alert, details, long_pause, unmet
from tests.integration.aws import Aws

THE_ALERT = alert(unmet(name="Grüße 挨拶 👋", severity=Severity.CRITICAL), long_pause(), known=details(name="«Call»"))


@pytest.fixture
def topic(aws: Aws) -> SnsAlertTopic:
    return SnsAlertTopic(aws.sns, aws.topic_arn)


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


@pytest.mark.parametrize("severity", list(Severity))
def test_a_filter_on_severity_lets_through_what_it_names(aws: Aws, topic: SnsAlertTopic, severity: Severity) -> None:
    [subscription] = aws.sns.list_subscriptions_by_topic(TopicArn=aws.topic_arn)["Subscriptions"]
    aws.sns.set_subscription_attributes(
        SubscriptionArn=subscription["SubscriptionArn"],
        AttributeName="FilterPolicy",
        AttributeValue=json.dumps({"severity": ["critical"], "rule_ids": ["unmet-goal"]}),
    )
    topic.publish(alert(unmet(severity=severity)))
    topic.publish(alert(long_pause(severity=severity)))
    assert len(aws.messages(aws.subscriber_url)) == (severity is Severity.CRITICAL)


def test_the_largest_alert_is_taken(aws: Aws, topic: SnsAlertTopic) -> None:
    found = [unmet(number, name="👋" * 500, why="👋" * 500, rule=f"{number:064}") for number in range(50)]
    topic.publish(alert(*found, known=details(name="👋" * 500)))
    [published] = aws.calls.of("sns.Publish")
    assert 100_000 < len(published["Message"].encode()) < 262_144
    assert len(aws.messages(aws.subscriber_url)) == 1
