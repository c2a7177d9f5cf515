"""The functions' workers, built as the entrances build them, with the simulated clients, clocks and threads."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast
from unittest.mock import patch

import requests

from adapters.identitycall import recording_list
from adapters.slack.webhook import SlackWebhook
from domain.alerts.alert import Alert
from domain.discovery.discover import Run
from handlers import discover_recordings, evaluate_recordings, notify_slack, receive_webhook
from handlers.discover_recordings import DiscoveryWorker
from handlers.evaluate_recordings import EvaluationWorker
from handlers.notify_slack import NotificationWorker
from handlers.receive_webhook import WebhookReceiver
from runtime import batch, evaluation_report, refusals, report
from runtime import outside as runtime_outside
from runtime.messages import Message
from runtime.metrics import EmfMeter
from runtime.settings import DiscoverySettings, EvaluationSettings, NotifierSettings, WebhookSettings
from tests.simulation.aws import TABLE, DynamoDb, Sqs, Ssm
from tests.simulation.discovery_plan import DiscoveryPlan
from tests.simulation.documents import MAX_PAUSE_MS
from tests.simulation.faults import Outside
from tests.simulation.functions import Environment
from tests.simulation.invariants.every import Invariants
from tests.simulation.log import CheckedLog
from tests.simulation.mailbox import Mailbox
from tests.simulation.slack import Slack, in_place_of_urllib
from tests.simulation.sns import ALERT_TOPIC, EMAIL_TOPIC, Sns
from tests.simulation.stored import Stored
from tests.simulation.threads import in_place_of_threads
from tests.simulation.topic import Topic
from tests.simulation.trigger_aws import Replica, TriggerDynamoDb, TriggerSqs
from tests.simulation.vendor import BASE_URL, Vendor
from tests.simulation.vendor_transport import VendorTransport
from tests.simulation.webhook_sender import in_place_of_the_package_clock
from tests.simulation.world import World, current

if TYPE_CHECKING:
    from collections.abc import Iterator

_LOGGING: Final = (
    *(evaluation_report, notify_slack, runtime_outside, batch, report),
    *(discover_recordings, receive_webhook, refusals),
)
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
    mailbox: Mailbox
    has_email: bool
    parameters: Mapping[str, str]
    limit: int
    discovery: DiscoveryPlan | None = None
    replica: Replica | None = None

    @property
    def world(self) -> World:
        return self.outside.world

    def evaluation_worker(self, environment: Environment) -> EvaluationWorker:
        return evaluate_recordings.build(EvaluationSettings(**self._settings()), SimulatedOutside(self, environment))

    def slack_worker(self, environment: Environment) -> NotificationWorker:
        return notify_slack.build(NotifierSettings(**self._settings()), SimulatedOutside(self, environment))

    def discovery_worker(self, environment: Environment) -> "DiscoveryEntrance":
        assert self.discovery is not None
        settings = DiscoverySettings(**self._settings(), discovery_lookback_hours=self.discovery.lookback_hours)
        return DiscoveryEntrance(discover_recordings.build(settings, TriggerOutside(self, environment)))

    def webhook_receiver(self, environment: Environment) -> "WebhookEntrance":
        settings = WebhookSettings(**self._settings())
        return WebhookEntrance(receive_webhook.build(settings, TriggerOutside(self, environment)))

    def _settings(self) -> dict[str, Any]:
        return {
            "parameter_prefix": PREFIX,
            "outcome_table_name": TABLE,
            "outcome_retention_days": RETENTION_DAYS,
            "identitycall_base_url": BASE_URL,
            "max_pause_ms": MAX_PAUSE_MS,
            "requests_per_minute": self.limit,
            "alert_topic_arn": ALERT_TOPIC,
            "event_queue_url": "event",
            "event_dead_letter_queue_url": "event-dlq",
            "slack_queue_url": "slack",
            "slack_dead_letter_queue_url": "slack-dlq",
            "email_topic_arn": EMAIL_TOPIC if self.has_email else "",
        }


class SimulatedOutside(runtime_outside.Outside):
    """AWS, the clock and chance of the simulation. Each environment has its own clock."""

    def __init__(self, parts: Parts, environment: Environment) -> None:
        super().__init__()
        self._world = parts.world
        self._skew_ms = environment.skew_ms
        self._invariants = parts.invariants
        self.dynamodb = cast(Any, DynamoDb(parts.outside, parts.stored.table))
        self.sns = cast(Any, Sns(parts.outside, parts.topic, parts.mailbox))
        self.sqs = cast(Any, Sqs(parts.outside, parts.stored.queues, parts.invariants))
        self.ssm = cast(Any, Ssm(parts.outside, parts.parameters))

    def meter(self) -> EmfMeter:
        return CountingMeter(self._invariants)

    def now_ms(self) -> int:
        return self._world.now_ms + self._skew_ms

    def monotonic(self) -> float:
        return self._world.now_ms / 1000

    def sleep(self, seconds: float) -> None:
        self._world.pause(max(0, round(seconds * 1000)))

    def random(self) -> float:
        return self._world.random.random()


class TriggerOutside(SimulatedOutside):
    """The same for discovery and the webhook."""

    def __init__(self, parts: Parts, environment: Environment) -> None:
        super().__init__(parts, environment)
        assert parts.replica is not None
        self.dynamodb = cast(Any, TriggerDynamoDb(parts.outside, parts.stored.table, parts.replica))
        self.sqs = cast(Any, TriggerSqs(parts.outside, parts.stored.event_queue, parts.invariants))


@dataclass(frozen=True)
class DiscoveryEntrance:
    """Notes for the invariants when a run begins, and with what event."""

    worker: DiscoveryWorker

    def handle(self, event: dict[str, Any], context: Any) -> dict[str, Any]:
        current().notes |= {"event": event, "began_ms": context.world.now_ms}
        return self.worker.handle(event, context)


@dataclass(frozen=True)
class WebhookEntrance:
    receiver: WebhookReceiver

    def handle(self, event: dict[str, Any], _context: Any) -> dict[str, Any]:
        return self.receiver.handle(event)


def noting_the_run(report: Callable[[DiscoveryWorker, Run], None], invariants: Invariants) -> Callable[..., None]:
    """Show the invariants what a run reports."""

    def noted(worker: DiscoveryWorker, run: Run) -> None:
        assert invariants.discovery is not None
        invariants.discovery.reported(current(), run)
        report(worker, run)

    return noted


def noting_the_alert(send: Callable[[SlackWebhook, Alert], str]) -> Callable[[SlackWebhook, Alert], str]:
    """Note for the invariants which alert is sent."""

    def noted(slack: SlackWebhook, alert: Alert) -> str:
        current().notes["alert_id"] = alert.alert_id
        current().notes["slack_refused"] = False
        try:
            return send(slack, alert)
        except Exception as error:
            current().notes["slack_refused"] = "Slack answered 4" in str(error)
            raise

    return noted


def noting_the_message(settle: Callable[..., object]) -> Callable[..., object]:
    """Note for the invariants which message the notifier works on. It works on one after the other."""

    def noted(worker: NotificationWorker, content: object, message: Message, deadline_ms: int) -> object:
        current().notes["message"] = message
        return settle(worker, content, message, deadline_ms)

    return noted


class CountingMeter(EmfMeter):
    """Adds up a worker's metrics instead of printing them. Those of an invocation that dies are lost."""

    def __init__(self, invariants: Invariants) -> None:
        super().__init__()
        self._totals = invariants.ledger.metrics
        self._counted: dict[tuple[str, ...], float] = defaultdict(float)

    def add(self, metric: str, value: float = 1, **dimensions: str) -> None:
        self._counted[metric, *(dimensions[name] for name in sorted(dimensions))] += value

    def flush(self) -> None:
        if current().life.dead:
            return
        counted, self._counted = self._counted, defaultdict(float)
        for metric, value in counted.items():
            self._totals[metric] += value


@contextmanager
def installed(parts: Parts) -> "Iterator[None]":
    """Replace the process-wide parts: threads, the transports of Slack and the vendor, and the loggers."""
    with ExitStack() as stack:
        stack.enter_context(in_place_of_threads(parts.world))
        stack.enter_context(in_place_of_urllib(parts.slack.urlopen))
        stack.enter_context(patch.object(requests.Session, "send", VendorTransport(parts.vendor).send))
        stack.enter_context(patch.object(SlackWebhook, "send", noting_the_alert(SlackWebhook.send)))
        stack.enter_context(patch.object(NotificationWorker, "_settle", noting_the_message(NotificationWorker._settle)))
        if parts.discovery:
            stack.enter_context(in_place_of_the_package_clock(parts.world))
            stack.enter_context(patch.object(recording_list, "PER_PAGE", parts.discovery.page_size))
            reporting = noting_the_run(DiscoveryWorker._report, parts.invariants)
            stack.enter_context(patch.object(DiscoveryWorker, "_report", reporting))
        for module in _LOGGING:
            stack.enter_context(patch.object(module, "logger", CheckedLog()))
        yield
