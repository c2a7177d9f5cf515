"""The functions' workers, built as the entrances build them, with the simulated clients, clocks and threads."""

from collections.abc import Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

import requests

from adapters.alert_topic import SnsAlertTopic
from adapters.batching import BatchThreads
from adapters.dynamodb.delivery_table import DynamoDeliveryLedger
from adapters.dynamodb.marks import DynamoMarks
from adapters.dynamodb.outcome_table import DynamoOutcomeTable
from adapters.dynamodb.request_budget import SharedRequestBudget
from adapters.identitycall.client import API_KEY, IdentityCallApi
from adapters.message_queue import MessageQueue
from adapters.parameters import Parameters
from adapters.rule_book import RULES, StoredRules
from adapters.slack.webhook import WEBHOOK_URL, SlackWebhook
from domain.alerts.alert import Alert
from domain.alerts.deliver import DeliverAlert, Destination
from domain.evaluation.attempt import Attempt
from domain.evaluation.evaluate import EvaluateRecording
from domain.evaluation.fetch import FetchAnalysis
from domain.evaluation.outbox import Outbox
from domain.ports import Clock
from handlers import notify_slack
from handlers.evaluate_recordings import EvaluationWorker
from handlers.notify_slack import SlackWorker
from runtime import aws, batch, evaluation_report, report
from runtime.aws import BATCH_SIZE
from runtime.metrics import EmfMeter
from tests.simulation.aws import TABLE, DynamoDb, Sns, Sqs, Ssm
from tests.simulation.faults import Outside
from tests.simulation.functions import Environment
from tests.simulation.invariants.every import Invariants
from tests.simulation.invariants.secrets import check_log_line
from tests.simulation.recordings import MAX_PAUSE_MS
from tests.simulation.slack import Slack, in_place_of_urllib
from tests.simulation.stored import Stored
from tests.simulation.threads import in_place_of_threads
from tests.simulation.topic import Topic
from tests.simulation.vendor import BASE_URL, Vendor
from tests.simulation.vendor_transport import VendorTransport
from tests.simulation.world import World, current

if TYPE_CHECKING:
    from collections.abc import Iterator

PREFIX: Final = "/simulation"
RETENTION_DAYS: Final = 365


@dataclass
class Parts:
    """The simulated services, and the workers built on them."""

    outside: Outside
    invariants: Invariants
    stored: Stored
    topic: Topic
    vendor: Vendor
    slack: Slack
    parameters: Mapping[str, str]
    limit: int

    @property
    def world(self) -> World:
        return self.outside.world

    def evaluation_worker(self, environment: Environment) -> EvaluationWorker:
        now_ms = self._clock(environment)
        meter = CountingMeter(self.invariants)
        dynamodb = cast(Any, DynamoDb(self.outside, self.stored.table))
        parameters = self._parameters(now_ms, API_KEY, RULES)
        api = IdentityCallApi(BASE_URL, parameters, meter, now_ms, self._monotonic)
        session = requests.Session()
        session.trust_env = False
        session.mount("https://", VendorTransport(self.vendor))
        api._thread.session = session
        threads = BatchThreads(BATCH_SIZE)
        outcomes = DynamoOutcomeTable(dynamodb, TABLE, RETENTION_DAYS, now_ms, threads)
        topic = SnsAlertTopic(cast(Any, Sns(self.outside, self.topic)), "topic")
        attempt = Attempt(
            fetch=FetchAnalysis(
                api, SharedRequestBudget(dynamodb, TABLE, self.limit, meter, now_ms, threads, self._sleep), now_ms
            ),
            rules=StoredRules(parameters, MAX_PAUSE_MS),
            outcomes=outcomes,
            outbox=Outbox(outcomes, topic, meter, now_ms),
            now_ms=now_ms,
        )
        marks = DynamoMarks(dynamodb, TABLE, now_ms)
        evaluate = EvaluateRecording(attempt=attempt, marks=marks, now_ms=now_ms, random=self.world.random.random)
        return EvaluationWorker(evaluate, self._queue("event"), threads, meter, now_ms)

    def slack_worker(self, environment: Environment) -> SlackWorker:
        now_ms = self._clock(environment)
        slack = SlackWebhook(self._parameters(now_ms, WEBHOOK_URL), email_configured=False, now_ms=now_ms)
        dynamodb = cast(Any, DynamoDb(self.outside, self.stored.table))
        ledger = DynamoDeliveryLedger(dynamodb, TABLE, slack.name, RETENTION_DAYS, now_ms)
        deliver = DeliverAlert(ledger=ledger, destination=Noted(slack), now_ms=now_ms, random=self.world.random.random)
        return SlackWorker(deliver, slack, self._queue("slack"), CountingMeter(self.invariants), now_ms)

    def _clock(self, environment: Environment) -> Clock:
        world, skew_ms = self.world, environment.skew_ms
        return lambda: world.now_ms + skew_ms

    def _monotonic(self) -> float:
        return self.world.now_ms / 1000

    def _sleep(self, seconds: float) -> None:
        self.world.pause(max(0, round(seconds * 1000)))

    def _queue(self, name: str) -> MessageQueue:
        sqs = cast(Any, Sqs(self.outside, self.stored.queues, self.invariants))
        return MessageQueue(sqs, name, f"{name}-dlq")

    def _parameters(self, now_ms: Clock, *entries: str) -> Parameters:
        ssm = cast(Any, Ssm(self.outside, self.parameters))
        return Parameters(ssm, PREFIX, entries, now_ms, aws.warn_of_stale_parameters)


class Noted:
    """The destination; it notes for the invariants which alert is sent."""

    def __init__(self, destination: Destination) -> None:
        self._destination = destination
        self.name = destination.name

    def send(self, alert: Alert) -> str:
        current().notes["alert_id"] = alert.alert_id
        current().notes["slack_refused"] = False
        try:
            return self._destination.send(alert)
        except Exception as error:
            current().notes["slack_refused"] = "Slack answered 4" in str(error)
            raise


class CountingMeter(EmfMeter):
    """Adds up a worker's metrics instead of printing them."""

    def __init__(self, invariants: Invariants) -> None:
        super().__init__()
        self._totals = invariants.ledger.metrics

    def flush(self) -> None:
        gathered, self._gathered = self._gathered, {}
        for dimensions, metrics in gathered.items():
            for metric, values in metrics.items():
                self._totals[metric, *(word for _, word in dimensions)] += sum(values)


class _LogSink:
    """Receives the log; the invariants check every line."""

    def write(self, text: str) -> int:
        check_log_line(text)
        return len(text)

    def flush(self) -> None:
        pass


@contextmanager
def installed(parts: Parts) -> "Iterator[None]":
    """Replace the process-wide parts: threads, Slack's transport, and the log's stream."""
    with ExitStack() as stack:
        stack.enter_context(in_place_of_threads(parts.world))
        stack.enter_context(in_place_of_urllib(parts.slack.urlopen))
        sink = cast(Any, _LogSink())
        for module in (evaluation_report, notify_slack, aws, batch, report):
            handler = cast(Any, module.logger.registered_handler)
            stack.callback(handler.setStream, handler.setStream(sink) or sink)
        yield
