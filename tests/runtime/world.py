"""What the functions reach: AWS by moto over HTTP, the vendor's and Slack's stubs. New for each event.

Names stay the same from one event to the next, so that a warm function goes on working, as it does on AWS.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
import requests
from moto.server import ThreadedMotoServer

from local import webhooks
from local.slack_stub import SlackStub
from local.vendor_stub import VendorStub

_PREFIX = "/identitycall-alerts"
_REGION = "eu-central-1"
_KEY = "testing"


class World:
    def __init__(self, endpoint: str, vendor: VendorStub, slack: SlackStub) -> None:
        self.vendor = vendor
        self.slack = slack
        self._endpoint = endpoint
        self._sqs, self._sns, self._ssm, self._dynamodb = (
            self._client(name) for name in ("sqs", "sns", "ssm", "dynamodb")
        )
        self.begin_anew()

    def _client(self, service: Any) -> Any:
        return boto3.client(
            service,
            endpoint_url=self._endpoint,
            region_name=_REGION,
            aws_access_key_id=_KEY,
            aws_secret_access_key=_KEY,
        )

    def begin_anew(self) -> None:
        requests.post(f"{self._endpoint}/moto-api/reset", timeout=10).raise_for_status()
        self.vendor.reset()
        self.slack.reset()
        self.slack.forget_messages()
        self._queues = {
            name: self._sqs.create_queue(QueueName=name)["QueueUrl"]
            for name in ("events", "event-dead-letters", "slack", "slack-dead-letters", "subscriber")
        }
        self._topic = self._sns.create_topic(Name="alerts")["TopicArn"]
        arn = self._sqs.get_queue_attributes(QueueUrl=self._queues["subscriber"], AttributeNames=["QueueArn"])
        self._sns.subscribe(
            TopicArn=self._topic,
            Protocol="sqs",
            Endpoint=arn["Attributes"]["QueueArn"],
            Attributes={"RawMessageDelivery": "true"},
        )
        entries = {
            "api-key": self.vendor.api_key,
            "slack-webhook-url": self.slack.webhook_url,
            webhooks.ENTRY: webhooks.SECRET,
        }
        for entry, value in entries.items():
            self._ssm.put_parameter(Name=f"{_PREFIX}/{entry}", Value=value, Type="SecureString")
        self._dynamodb.create_table(
            TableName="outcomes",
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        )

    def lose_the_table(self) -> None:
        self._dynamodb.delete_table(TableName="outcomes")

    def environment(self) -> dict[str, str]:
        """All that the functions are told; each reads its own part."""
        return {
            "AWS_ACCESS_KEY_ID": _KEY,
            "AWS_SECRET_ACCESS_KEY": _KEY,
            "AWS_REGION": _REGION,
            "AWS_DEFAULT_REGION": _REGION,  # Lambda sets both; boto3 reads this one
            "AWS_ENDPOINT_URL": self._endpoint,
            "PARAMETER_PREFIX": _PREFIX,
            "IDENTITYCALL_BASE_URL": self.vendor.base_url,
            "MAX_PAUSE_MS": "5000",
            "REQUESTS_PER_MINUTE": "600",
            "OUTCOME_TABLE_NAME": "outcomes",
            "OUTCOME_RETENTION_DAYS": "365",
            "ALERT_TOPIC_ARN": self._topic,
            "EVENT_QUEUE_URL": self._queues["events"],
            "EVENT_DEAD_LETTER_QUEUE_URL": self._queues["event-dead-letters"],
            "SLACK_QUEUE_URL": self._queues["slack"],
            "SLACK_DEAD_LETTER_QUEUE_URL": self._queues["slack-dead-letters"],
            "EMAIL_CONFIGURED": "false",
            "DISCOVERY_LOOKBACK_HOURS": "24",
            "POWERTOOLS_SERVICE_NAME": "identitycall-alerts",
            "POWERTOOLS_METRICS_NAMESPACE": "IdentityCallAlerts",
        }

    # ── Reading back ───────────────────────────────────────────────────────────────────────────────────────────────

    def outcomes(self) -> dict[str, str]:
        """Status by key, of every outcome stored."""
        items = self._dynamodb.scan(TableName="outcomes")["Items"]
        return {item["pk"]["S"]: item["status"]["S"] for item in items if item["sk"]["S"] == "OUTCOME"}

    def aliases(self) -> list[str]:
        items = self._dynamodb.scan(TableName="outcomes")["Items"]
        return [item["pk"]["S"] for item in items if item["pk"]["S"].startswith("ALIAS#")]

    def queued(self) -> int:
        """Events in the event queue, to be had at once."""
        return self._in_event_queue("ApproximateNumberOfMessages")

    def deferred(self) -> int:
        """Copies waiting in the event queue with a delay."""
        return self._in_event_queue("ApproximateNumberOfMessagesDelayed")

    def _in_event_queue(self, attribute: str) -> int:
        answer = self._sqs.get_queue_attributes(QueueUrl=self._queues["events"], AttributeNames=[attribute])
        return int(answer["Attributes"][attribute])

    def alerts_published(self) -> int:
        return len(self._messages("subscriber"))

    def dead_letters(self, queue: str) -> list[tuple[str, str]]:
        """Body and reason of each message in `event-dead-letters` or `slack-dead-letters`."""
        return [
            (message["Body"], message["MessageAttributes"]["dead_letter_reason"]["StringValue"])
            for message in self._messages(queue)
        ]

    def _messages(self, queue: str) -> list[dict[str, Any]]:
        messages: list[dict[str, Any]] = []
        while batch := self._sqs.receive_message(
            QueueUrl=self._queues[queue], MaxNumberOfMessages=10, MessageAttributeNames=["All"]
        ).get("Messages"):
            messages += batch
        return messages


@contextmanager
def running_world() -> Iterator[World]:
    logging.getLogger("werkzeug").setLevel(logging.WARNING)  # a line a request would bury what a failed test shows
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        with VendorStub() as vendor, SlackStub() as slack:
            yield World(f"http://{host}:{port}", vendor, slack)
    finally:
        server.stop()
