"""The one place where the parts are put together, at a function's first invocation, and kept.

Each function imports only what it uses: the imports inside are what a cold start of the other one is spared.
"""

import random
import time
from functools import cache
from typing import TYPE_CHECKING, Final

import boto3
from aws_lambda_powertools import Logger
from botocore.config import Config

from adapters.message_queue import MessageQueue
from adapters.parameters import Parameters
from handlers.local_stack import require_local_stack

if TYPE_CHECKING:
    from handlers.discover_recordings import DiscoveryWorker
    from handlers.evaluate_recordings import EvaluationWorker
    from handlers.notify_slack import SlackWorker
    from handlers.receive_webhook import WebhookReceiver

BATCH_SIZE: Final = 10
"""The most messages SQS delivers at once without a batching window: a thread for each."""

AWS_CONFIG: Final = Config(
    # Botocore waits 60 s + 60 s by default, longer than an invocation lasts.
    connect_timeout=1,
    read_timeout=3,
    retries={"mode": "standard", "total_max_attempts": 2},
    max_pool_connections=BATCH_SIZE,
    # Botocore puts its own together anew for every call, which is a tenth of the call's time.
    user_agent="identitycall-alerts",
)

# An answer lost on the way back would have botocore publish again, uncounted; the outbox does it, and counts.
PUBLISH_CONFIG: Final = AWS_CONFIG.merge(Config(retries={"mode": "standard", "total_max_attempts": 1}))

WEBHOOK_AWS_CONFIG: Final = Config(
    # Whoever calls a webhook waits for the answer, and hangs up after 10 or 15 s; two calls must fit in.
    connect_timeout=1,
    read_timeout=2,
    retries={"mode": "standard", "total_max_attempts": 2},
)

logger = Logger()


def now_ms() -> int:
    return time.time_ns() // 1_000_000


@cache
def evaluation_worker() -> "EvaluationWorker":
    from adapters.alert_topic import SnsAlertTopic
    from adapters.batching import Crew
    from adapters.identitycall import API_KEY, IdentityCallApi
    from adapters.outcome_table import DynamoOutcomeTable
    from adapters.request_budget import SharedRequestBudget
    from adapters.rule_book import RULES, StoredRules
    from domain.evaluate_recording import EvaluateRecording
    from domain.fetch_analysis import FetchAnalysis
    from handlers.evaluate_recordings import EvaluationWorker
    from handlers.settings import EvaluationSettings
    from handlers.telemetry import EmfMeter

    settings = EvaluationSettings.from_environment()
    require_local_stack(settings.aws_endpoint_url)
    table, retention_days = settings.outcome_table_name, settings.outcome_retention_days
    meter = EmfMeter()
    crew = Crew(BATCH_SIZE)
    dynamodb = boto3.client("dynamodb", config=AWS_CONFIG)
    parameters = _parameters(settings.parameter_prefix, API_KEY, RULES)
    evaluate = EvaluateRecording(
        fetch=FetchAnalysis(
            IdentityCallApi(settings.identitycall_base_url, parameters, meter, now_ms),
            SharedRequestBudget(dynamodb, table, settings.requests_per_minute, meter, now_ms, crew),
            now_ms,
        ),
        rules=StoredRules(parameters, settings.max_pause_ms),
        outcomes=DynamoOutcomeTable(dynamodb, table, retention_days, now_ms, crew),
        topic=SnsAlertTopic(boto3.client("sns", config=PUBLISH_CONFIG), settings.alert_topic_arn),
        meter=meter,
        now_ms=now_ms,
        random=random.random,
    )
    queue = _queue(settings.event_queue_url, settings.event_dead_letter_queue_url)
    return EvaluationWorker(evaluate, queue, meter, now_ms, crew.run_all)


@cache
def slack_worker() -> "SlackWorker":
    from adapters.delivery_table import DynamoDeliveryLedger
    from adapters.slack import WEBHOOK_URL, SlackWebhook
    from domain.deliver_alert import DeliverAlert
    from handlers.notify_slack import SlackWorker
    from handlers.settings import SlackSettings
    from handlers.telemetry import EmfMeter

    settings = SlackSettings.from_environment()
    require_local_stack(settings.aws_endpoint_url)
    slack = SlackWebhook(
        _parameters(settings.parameter_prefix, WEBHOOK_URL),
        email_configured=settings.email_configured,
        now_ms=now_ms,
    )
    ledger = DynamoDeliveryLedger(
        boto3.client("dynamodb", config=AWS_CONFIG),
        settings.outcome_table_name,
        slack.name,
        settings.outcome_retention_days,
        now_ms,
    )
    deliver = DeliverAlert(ledger=ledger, destination=slack, now_ms=now_ms, random=random.random)
    queue = _queue(settings.slack_queue_url, settings.slack_dead_letter_queue_url)
    return SlackWorker(deliver, slack, queue, EmfMeter(), now_ms)


@cache
def webhook_receiver() -> "WebhookReceiver":
    from adapters.event_queue import EventQueue
    from adapters.webhook_gate import WEBHOOK_SECRET, WebhookGate
    from handlers.receive_webhook import WebhookReceiver
    from handlers.refusals import Refusals
    from handlers.settings import WebhookSettings
    from handlers.telemetry import EmfMeter

    settings = WebhookSettings.from_environment()
    require_local_stack(settings.aws_endpoint_url)
    gate = WebhookGate(_parameters(settings.parameter_prefix, WEBHOOK_SECRET, config=WEBHOOK_AWS_CONFIG), now_ms)
    queue = EventQueue(boto3.client("sqs", config=WEBHOOK_AWS_CONFIG), settings.event_queue_url)
    return WebhookReceiver(gate, queue, EmfMeter(), Refusals(now_ms))


@cache
def discovery_worker() -> "DiscoveryWorker":
    from adapters.batching import Crew
    from adapters.discovery_table import DynamoDiscoveryMemory
    from adapters.event_queue import EventQueue
    from adapters.identitycall import API_KEY, IdentityCallApi
    from adapters.recording_list import RecordingListApi
    from adapters.request_budget import SharedRequestBudget
    from domain.discover_recordings import DiscoverRecordings
    from handlers.discover_recordings import DiscoveryWorker
    from handlers.settings import DiscoverySettings
    from handlers.telemetry import EmfMeter

    settings = DiscoverySettings.from_environment()
    require_local_stack(settings.aws_endpoint_url)
    table, lookback_ms = settings.outcome_table_name, settings.discovery_lookback_hours * 3_600_000
    meter = EmfMeter()
    dynamodb = boto3.client("dynamodb", config=AWS_CONFIG)
    parameters = _parameters(settings.parameter_prefix, API_KEY)
    discover = DiscoverRecordings(
        recordings=RecordingListApi(IdentityCallApi(settings.identitycall_base_url, parameters, meter, now_ms)),
        memory=DynamoDiscoveryMemory(dynamodb, table, lookback_ms, now_ms),
        queue=EventQueue(boto3.client("sqs", config=AWS_CONFIG), settings.event_queue_url),
        budget=SharedRequestBudget(dynamodb, table, settings.requests_per_minute, meter, now_ms, Crew(1)),
        now_ms=now_ms,
        lookback_ms=lookback_ms,
    )
    return DiscoveryWorker(discover, meter, now_ms)


def _parameters(prefix: str, *entries: str, config: Config = AWS_CONFIG) -> Parameters:
    def warn(error: Exception) -> None:
        logger.warning("parameters_stale", detail=f"Parameter Store is out of reach ({type(error).__name__}).")

    return Parameters(boto3.client("ssm", config=config), prefix, entries, now_ms, warn)


def _queue(url: str, dead_letter_url: str) -> MessageQueue:
    return MessageQueue(boto3.client("sqs", config=AWS_CONFIG), url, dead_letter_url)
