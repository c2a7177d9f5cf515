"""Lambda entrance: alerts from the Slack queue, each sent once to Slack and once by e-mail.

Read downwards: `lambda_handler` → `NotificationWorker.handle` → `_settle` → `domain.alerts.deliver`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import ValidationError

from adapters.dynamodb.delivery_table import DynamoDeliveryLedger
from adapters.email_topic import EmailTopic
from adapters.message_queue import MessageQueue
from adapters.slack.webhook import WEBHOOK_URL, SlackWebhook
from domain.alerts.alert import Alert
from domain.alerts.deliver import DeliverAlert, Delivery, Destination, Sent, SentBefore
from domain.ports import Clock
from domain.retry import DeadLettered, Deferred
from runtime.batch import BatchLoop, Group
from runtime.local_stack import require_local_stack
from runtime.messages import Message, read_message
from runtime.metrics import EmfMeter
from runtime.outside import Outside
from runtime.report import Reporter
from runtime.settings import NotifierSettings

logger = Logger()


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return worker().handle(event, context)


@cache
def worker() -> "NotificationWorker":
    """Built at the first invocation and kept. Raises `ValidationError` naming each setting that is missing or wrong."""
    settings = NotifierSettings.from_environment()
    require_local_stack(settings.aws_endpoint_url)
    return build(settings, Outside())


def build(settings: NotifierSettings, outside: Outside) -> "NotificationWorker":
    """Put the worker together."""
    now_ms, table, retention_days = outside.now_ms, settings.outcome_table_name, settings.outcome_retention_days
    stored = outside.parameters(settings.parameter_prefix, WEBHOOK_URL)
    destinations: list[Destination] = [SlackWebhook(stored, now_ms)]
    if settings.email_topic_arn:
        destinations.append(EmailTopic(outside.sns, settings.email_topic_arn, now_ms, outside.sleep))

    def deliver_to(destination: Destination) -> DeliverAlert:
        ledger = DynamoDeliveryLedger(outside.dynamodb, table, destination.name, retention_days, now_ms)
        return DeliverAlert(ledger=ledger, destination=destination, now_ms=now_ms, random=outside.random)

    queue = outside.message_queue(settings.slack_queue_url, settings.slack_dead_letter_queue_url)
    return NotificationWorker([deliver_to(each) for each in destinations], queue, outside.meter(), now_ms)


@dataclass(frozen=True, slots=True)
class Addressed:
    """An alert, and one of the destinations that it goes to."""

    alert: Alert
    deliver: DeliverAlert


@dataclass(frozen=True, slots=True)
class SwitchedOff:
    """Nothing is configured for this destination. Another one has the alert."""


Content = Addressed | DeadLettered
"""What a message holds: an alert, or why it is none."""
Result = Delivery | SwitchedOff

_MALFORMED: Final = DeadLettered("malformed_alert", "The message is not an alert of schema version 1.")
_NO_DESTINATION: Final = DeadLettered(
    "no_destination",
    "Neither Slack nor e-mail is configured, so this alert reached nobody. "
    "Store slack-webhook-url, then redrive the Slack dead-letter queue.",
)


class NotificationWorker:
    """Sends alerts to each destination. All that it uses is handed in."""

    def __init__(self, deliveries: Sequence[DeliverAlert], queue: MessageQueue, meter: EmfMeter, now_ms: Clock) -> None:
        self._deliveries = deliveries
        self._queue = queue
        # No threads: Slack takes about one message a second, and a thread that outlives its lease would post twice.
        self._batch = BatchLoop(queue, meter, now_ms)
        self._reporter = Reporter(meter, now_ms, "NotificationsDeferred", "NotificationsFailed")
        self._meter = meter
        self._now_ms = now_ms

    def handle(self, event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
        """Answer an SQS batch with its failed messages."""
        deadline_ms = self._now_ms() + context.get_remaining_time_in_millis()

        def work(group: Group[Content]) -> Result:
            return self._settle(group.content, group.messages[0], deadline_ms)

        try:
            messages = [read_message(record) for record in event["Records"]]
            groups = [Group([message], content) for message in messages for content in self._read(message)]
            return self._batch.run(groups, work, self._report, deadline_ms)
        finally:
            self._meter.flush()

    def _read(self, message: Message) -> Sequence[Content]:
        """The alert once for each destination. A deferred copy is for one of them, or for all if that one is gone."""
        try:
            alert = Alert.model_validate_json(message.body)
        except ValidationError:
            return [_MALFORMED]
        meant = [each for each in self._deliveries if each.destination.name == message.history.destination]
        return [Addressed(alert, each) for each in meant or self._deliveries]

    def _settle(self, content: Content, message: Message, deadline_ms: int) -> Result:
        """Send an alert. Send a deferral back to the queue, a dead letter to its queue."""
        result = self._deliver(content, message, deadline_ms) if isinstance(content, Addressed) else content
        match result:
            case Deferred():
                self._queue.defer(message.body, result)
            case DeadLettered():
                self._queue.dead_letter(message.body, result)
        return result

    def _deliver(self, to: Addressed, message: Message, deadline_ms: int) -> Result:
        if to.deliver.destination.off:
            return SwitchedOff() if len(self._deliveries) > 1 else _NO_DESTINATION
        return to.deliver(to.alert, message.history, deadline_ms)

    def _report(self, group: Group[Content], result: Result) -> None:
        """Write one log line and count. Ids only, never spoken words."""
        about: dict[str, Any] = {}
        deliver = self._deliveries[0]  # A message that is no alert counts under the first destination.
        if isinstance(group.content, Addressed):
            alert, deliver = group.content.alert, group.content.deliver
            about = {"recording_id": alert.recording_id, "alert_id": alert.alert_id}
        destination = deliver.destination.name
        match result:
            case Sent(repeats_unknown):
                self._meter.add("NotificationsSent", destination=destination)
                if repeats_unknown:
                    self._meter.add("NotificationsRepeated", destination=destination)
                logger.info("sent", repeats_unknown=repeats_unknown, destination=destination, **about)
            case SentBefore():
                self._meter.add("DuplicatesSkipped")
                logger.info("sent_before", destination=destination, **about)
            case SwitchedOff():
                logger.info("switched_off", destination=destination, **about)
            case Deferred():
                self._reporter.deferred(result, about, destination=destination)
            case DeadLettered():
                self._reporter.dead_lettered(result, about, destination=destination)
