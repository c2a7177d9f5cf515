"""What the functions reach: AWS by moto over HTTP, the vendor's and Slack's stubs. New for each event.

Names stay the same from one event to the next, so that a warm function goes on working, as it does on AWS.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import boto3
import requests
from moto.server import ThreadedMotoServer

from local import webhooks
from local.slack_stub import SlackStub
from local.vendor_stub import VendorStub
from tests.fakes.account import REGION, TABLE, Account

_PREFIX = "/identitycall-alerts"
_KEY = "testing"


class World(Account):
    def __init__(self, endpoint: str, vendor: VendorStub, slack: SlackStub) -> None:
        session = boto3.Session(aws_access_key_id=_KEY, aws_secret_access_key=_KEY, region_name=REGION)
        super().__init__(lambda service: session.client(service, endpoint_url=endpoint))
        self.vendor = vendor
        self.slack = slack
        self._endpoint = endpoint
        self.begin_anew()

    def begin_anew(self) -> None:
        requests.post(f"{self._endpoint}/moto-api/reset", timeout=10).raise_for_status()
        self.vendor.reset()
        self.slack.reset()
        self.slack.forget_messages()
        self.fill()
        entries = {
            "api-key": self.vendor.api_key,
            "slack-webhook-url": self.slack.webhook_url,
            webhooks.ENTRY: webhooks.SECRET,
        }
        for entry, value in entries.items():
            self.put_parameter(f"{_PREFIX}/{entry}", value)

    def environment(self) -> dict[str, str]:
        """All that the functions are told; each reads its own part."""
        return {
            "AWS_ACCESS_KEY_ID": _KEY,
            "AWS_SECRET_ACCESS_KEY": _KEY,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,  # Lambda sets both; boto3 reads this one
            "AWS_ENDPOINT_URL": self._endpoint,
            "PARAMETER_PREFIX": _PREFIX,
            "IDENTITYCALL_BASE_URL": self.vendor.base_url,
            "MAX_PAUSE_MS": "5000",
            "REQUESTS_PER_MINUTE": "600",
            "OUTCOME_TABLE_NAME": TABLE,
            "OUTCOME_RETENTION_DAYS": "365",
            "ALERT_TOPIC_ARN": self.topic_arn,
            "EVENT_QUEUE_URL": self.queue_url,
            "EVENT_DEAD_LETTER_QUEUE_URL": self.dead_letter_url,
            "SLACK_QUEUE_URL": self.slack_url,
            "SLACK_DEAD_LETTER_QUEUE_URL": self.slack_dead_letter_url,
            "EMAIL_TOPIC_ARN": "",
            "DISCOVERY_LOOKBACK_HOURS": "24",
            "POWERTOOLS_SERVICE_NAME": "identitycall-alerts",
            "POWERTOOLS_METRICS_NAMESPACE": "IdentityCallAlerts",
        }

    def aliases(self) -> tuple[str, ...]:
        return tuple(item["pk"]["S"] for item in self.items() if item["pk"]["S"].startswith("ALIAS#"))

    def reasons(self, url: str) -> tuple[str, ...]:
        """Of each message in a dead-letter queue."""
        return tuple(letter["dead_letter_reason"] for letter in self.dead_letters(url))


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
