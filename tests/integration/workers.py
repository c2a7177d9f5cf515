"""The functions' workers on an account in this process, and SQS events as Lambda makes them."""

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from logging import StreamHandler
from typing import Any, cast

import responses
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from adapters.alert_topic import SnsAlertTopic
from adapters.batching import BatchThreads
from adapters.dynamodb.delivery_table import DynamoDeliveryLedger
from adapters.dynamodb.discovery_table import DynamoDiscoveryMemory
from adapters.dynamodb.marks import DynamoMarks
from adapters.dynamodb.outcome_table import DynamoOutcomeTable
from adapters.dynamodb.request_budget import SharedRequestBudget
from adapters.event_queue import EventQueue
from adapters.identitycall.client import IdentityCallApi
from adapters.identitycall.recording_list import RecordingListApi
from adapters.message_queue import HISTORY_ATTRIBUTE, MessageQueue
from adapters.parameters import Parameters
from adapters.rule_book import StoredRules
from adapters.slack.webhook import SlackWebhook
from domain.alerts.deliver import DeliverAlert
from domain.discovery.discover import DiscoverRecordings
from domain.evaluation.attempt import Attempt
from domain.evaluation.evaluate import EvaluateRecording
from domain.evaluation.fetch import FetchAnalysis
from domain.evaluation.outbox import Outbox
from handlers.discover_recordings import DiscoveryWorker
from handlers.evaluate_recordings import EvaluationWorker
from handlers.notify_slack import SlackWorker
from runtime.metrics import EmfMeter
from tests.fakes.clock import NOON_MS, FakeClock
from tests.fakes.make import details
from tests.integration.aws import TABLE, Aws

PREFIX = "/alerts"
KEY = "idc_" + "aB3" * 10 + "xY"
API = "https://api.identitycall.test/api/v1/public"


@dataclass
class _Invocation:
    remaining_ms: int

    def get_remaining_time_in_millis(self) -> int:
        return self.remaining_ms


def context(remaining_ms: int = 30_000) -> LambdaContext:
    """Lambda's context, as far as the workers read it."""
    return cast("LambdaContext", _Invocation(remaining_ms))


def evaluation_worker(aws: Aws, clock: FakeClock, *, limit: int = 300) -> EvaluationWorker:
    """Built as the entrances build them, but for the clock, the sleep and chance."""
    meter, threads = EmfMeter(), BatchThreads(10)
    parameters = Parameters(aws.ssm, PREFIX, ["api-key", "rules"], clock, lambda _: None)
    outcomes = DynamoOutcomeTable(aws.dynamodb, TABLE, 365, clock, threads)
    attempt = Attempt(
        fetch=FetchAnalysis(
            IdentityCallApi(API, parameters, meter, clock, monotonic=lambda: 0.0),
            SharedRequestBudget(aws.dynamodb, TABLE, limit, meter, clock, threads, clock.sleep),
            clock,
        ),
        rules=StoredRules(parameters, max_pause_ms=5_000),
        outcomes=outcomes,
        outbox=Outbox(outcomes, SnsAlertTopic(aws.sns, aws.topic_arn), meter, clock),
        now_ms=clock,
    )
    marks = DynamoMarks(aws.dynamodb, TABLE, clock)
    evaluate = EvaluateRecording(attempt=attempt, marks=marks, now_ms=clock, random=lambda: 0.0)
    queue = MessageQueue(aws.sqs, aws.queue_url, aws.dead_letter_url)
    return EvaluationWorker(evaluate, queue, threads, meter, clock)


def slack_worker(aws: Aws, clock: FakeClock, *, email_configured: bool = False) -> SlackWorker:
    parameters = Parameters(aws.ssm, PREFIX, ["slack-webhook-url"], clock, lambda _: None)
    slack = SlackWebhook(parameters, email_configured=email_configured, now_ms=clock)
    ledger = DynamoDeliveryLedger(aws.dynamodb, TABLE, slack.name, 365, clock)
    deliver = DeliverAlert(ledger=ledger, destination=slack, now_ms=clock, random=lambda: 0.0)
    queue = MessageQueue(aws.sqs, aws.queue_url, aws.dead_letter_url)
    return SlackWorker(deliver, slack, queue, EmfMeter(), clock)


def discovery_worker(aws: Aws, clock: FakeClock) -> DiscoveryWorker:
    meter, lookback_ms = EmfMeter(), 24 * 3_600_000
    parameters = Parameters(aws.ssm, PREFIX, ["api-key"], clock, lambda _: None)
    discover = DiscoverRecordings(
        recordings=RecordingListApi(IdentityCallApi(API, parameters, meter, clock, monotonic=lambda: 0.0)),
        memory=DynamoDiscoveryMemory(aws.dynamodb, TABLE, lookback_ms, clock),
        queue=EventQueue(aws.sqs, aws.queue_url),
        budget=SharedRequestBudget(aws.dynamodb, TABLE, 60, meter, clock, BatchThreads(1), clock.sleep),
        now_ms=clock,
        lookback_ms=lookback_ms,
    )
    return DiscoveryWorker(discover, meter, clock)


def sqs_record(
    body: object, number: int = 1, *, sent_ms: int, receive_count: int = 1, history: str = ""
) -> dict[str, Any]:
    """One record of a batch. A body that is no text is written as JSON."""
    return {
        "messageId": f"message-{number}",
        "receiptHandle": f"handle-{number}",
        "body": body if isinstance(body, str) else json.dumps(body),
        "attributes": {"ApproximateReceiveCount": str(receive_count), "SentTimestamp": str(sent_ms)},
        "messageAttributes": {HISTORY_ATTRIBUTE: {"stringValue": history, "dataType": "String"}} if history else {},
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:eu-central-1:123456789012:events",
        "awsRegion": "eu-central-1",
    }


def batch(*bodies: object, sent_ms: int = NOON_MS) -> dict[str, Any]:
    """Messages 1, 2 and so on with these bodies, as Lambda delivers them."""
    return {"Records": [sqs_record(each, number, sent_ms=sent_ms) for number, each in enumerate(bodies, 1)]}


def failures(*numbers: int) -> dict[str, Any]:
    """Lambda's answer where these messages of a batch failed, and no others."""
    return {"batchItemFailures": [{"itemIdentifier": f"message-{number}"} for number in numbers]}


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
