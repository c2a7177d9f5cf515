"""The functions' workers on an account in this process."""

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from logging import StreamHandler
from typing import Any, cast
from unittest.mock import patch

import responses
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from adapters.batching import BatchThreads
from handlers import discover_recordings, evaluate_recordings, judge_past_calls, notify_slack
from handlers.discover_recordings import DiscoveryWorker
from handlers.evaluate_recordings import EvaluationWorker
from handlers.judge_past_calls import BacktestWorker
from handlers.notify_slack import NotificationWorker
from runtime.outside import Outside
from runtime.settings import BacktestSettings, DiscoverySettings, EvaluationSettings, NotifierSettings
from tests.fakes.clock import FakeClock
from tests.fakes.make import details
from tests.fakes.sqs import sqs_record
from tests.integration.aws import TABLE, Aws

PREFIX = "/alerts"
KEY = "idc_" + "aB3" * 10 + "xY"
PATIENCE_S = 60.0
"""How long threads wait for each other: a slow machine must not change the number of calls."""
API = "https://api.identitycall.test/api/v1/public"


@dataclass
class _Invocation:
    remaining_ms: int

    def get_remaining_time_in_millis(self) -> int:
        return self.remaining_ms


def context(remaining_ms: int = 30_000) -> LambdaContext:
    """Lambda's context, as far as the workers read it."""
    return cast("LambdaContext", _Invocation(remaining_ms))


class AccountOutside(Outside):
    """The account in this process, and the test's clock."""

    def __init__(self, aws: Aws, clock: FakeClock) -> None:
        super().__init__()
        self.dynamodb, self.sns, self.sqs, self.ssm = aws.dynamodb, aws.sns, aws.sqs, aws.ssm
        self._clock = clock

    def now_ms(self) -> int:
        return self._clock()

    def sleep(self, seconds: float) -> None:
        self._clock.sleep(seconds)

    def monotonic(self) -> float:
        return 0.0

    def random(self) -> float:
        return 0.0


def evaluation_worker(aws: Aws, clock: FakeClock) -> EvaluationWorker:
    patient = partial(BatchThreads, max_wait_s=PATIENCE_S)
    with patch.object(evaluate_recordings, "BatchThreads", patient):
        return evaluate_recordings.build(EvaluationSettings(**settings(aws)), AccountOutside(aws, clock))


def notification_worker(aws: Aws, clock: FakeClock, email_topic_arn: str = "") -> NotificationWorker:
    configured = settings(aws) | {"email_topic_arn": email_topic_arn}
    return notify_slack.build(NotifierSettings(**configured), AccountOutside(aws, clock))


def discovery_worker(aws: Aws, clock: FakeClock) -> DiscoveryWorker:
    return discover_recordings.build(DiscoverySettings(**settings(aws)), AccountOutside(aws, clock))


def backtest_worker(aws: Aws, clock: FakeClock) -> BacktestWorker:
    return judge_past_calls.build(BacktestSettings(**settings(aws)), AccountOutside(aws, clock))


def settings(aws: Aws) -> dict[str, Any]:
    """The settings of all functions, each of which takes its own."""
    return {
        "parameter_prefix": PREFIX,
        "outcome_table_name": TABLE,
        "outcome_retention_days": 365,
        "identitycall_base_url": API,
        "max_pause_ms": 5_000,
        "requests_per_minute": 300,
        "discovery_lookback_hours": 24,
        "alert_topic_arn": aws.topic_arn,
        "event_queue_url": aws.queue_url,
        "event_dead_letter_queue_url": aws.dead_letter_url,
        "slack_queue_url": aws.queue_url,
        "slack_dead_letter_queue_url": aws.dead_letter_url,
        "email_topic_arn": "",
    }


def received(aws: Aws, url: str, sent_ms: int) -> dict[str, Any]:
    """What a queue holds now, as the batch that Lambda would deliver; sent when the test's clock says."""
    records = []
    for message in aws.messages(url):
        attributes = message.get("MessageAttributes", {})
        records.append(
            sqs_record(message["Body"], sent_ms=sent_ms)
            | {
                "messageId": message["MessageId"],
                "receiptHandle": message["ReceiptHandle"],
                "messageAttributes": {
                    name: {"stringValue": value["StringValue"], "dataType": "String"}
                    for name, value in attributes.items()
                },
            }
        )
    return {"Records": records}


class Vendor:
    """The API at the transport: what it says about each recording."""

    def __init__(self, mock: responses.RequestsMock) -> None:
        self.mock = mock

    def says(self, recording: object, data: Any, **known: Any) -> None:
        """Results, and details for the alert."""
        self.mock.get(f"{API}/recordings/{recording}/results", body=json.dumps({"data": data}))
        found = details(**({"id": data["recording_id"]} | known)).model_dump_json()
        self.mock.get(f"{API}/recordings/{recording}", body=f'{{"data": {found}}}')

    def fails(self, recording: object, status: int = 500, body: Any = "", **headers: str) -> None:
        self.mock.get(f"{API}/recordings/{recording}/results", status=status, body=body, headers=headers)

    def requests(self) -> list[str]:
        return [call.request.url.removeprefix(API) for call in self.mock.calls if call.request.url]


def counted(output: str) -> dict[str, float]:
    """The sums in the metrics of an invocation: by name and, where there are any, the values of the dimensions."""
    sums: dict[str, float] = {}
    for line in output.splitlines():
        emf = json.loads(line)
        [directive] = emf["_aws"]["CloudWatchMetrics"]
        [dimensions] = directive["Dimensions"]
        assert "service" in dimensions
        words = [emf[name] for name in sorted(dimensions) if name != "service"]
        for metric in directive["Metrics"]:
            sums["/".join([metric["Name"], *words])] = sum(emf[metric["Name"]])
    return sums


@contextmanager
def log_lines_of(logger: Logger) -> Iterator[list[dict[str, Any]]]:
    """What a module's logger writes, as CloudWatch would get it; filled when the block ends."""
    written, lines = io.StringIO(), list[dict[str, Any]]()
    [handler] = [each for each in logger.handlers if isinstance(each, StreamHandler)]
    before = handler.setStream(written)
    try:
        yield lines
    finally:
        handler.setStream(before or handler.stream)
        lines += [json.loads(line) for line in written.getvalue().splitlines()]
