"""Lambda entrance: alerts from the Slack queue, each posted once.

Read downwards: `lambda_handler` → `SlackWorker.handle` → `_settle` → `domain.alerts.deliver`.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import ValidationError

from adapters.dynamodb.delivery_table import DynamoDeliveryLedger
from adapters.message_queue import MessageQueue
from adapters.slack.webhook import WEBHOOK_URL, SlackWebhook
from domain.alerts.alert import Alert
from domain.alerts.deliver import DeliverAlert, Delivery, Sent, SentBefore
from domain.ports import Clock
from domain.retry import DeadLettered, Deferred
from runtime.batch import BatchLoop, Group
from runtime.local_stack import require_local_stack
from runtime.messages import Message, read_message
from runtime.metrics import EmfMeter
from runtime.outside import Outside
from runtime.report import Reporter
from runtime.settings import SlackSettings

logger = Logger()


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return worker().handle(event, context)


@cache
def worker() -> "SlackWorker":
    """Built at the first invocation and kept. Raises `ValidationError` naming each setting that is missing or wrong."""
    settings = SlackSettings.from_environment()
    require_local_stack(settings.aws_endpoint_url)
    return build(settings, Outside())


def build(settings: SlackSettings, outside: Outside) -> "SlackWorker":
    """Put the worker together."""
    now_ms = outside.now_ms
    stored = outside.parameters(settings.parameter_prefix, WEBHOOK_URL)
    slack = SlackWebhook(stored, email_configured=settings.email_configured, now_ms=now_ms)
    table, retention_days = settings.outcome_table_name, settings.outcome_retention_days
    ledger = DynamoDeliveryLedger(outside.dynamodb, table, slack.name, retention_days, now_ms)
    deliver = DeliverAlert(ledger=ledger, destination=slack, now_ms=now_ms, random=outside.random)
    queue = outside.message_queue(settings.slack_queue_url, settings.slack_dead_letter_queue_url)
    return SlackWorker(deliver, slack, queue, outside.meter(), now_ms)


@dataclass(frozen=True, slots=True)
class SlackIsOff:
    """No Slack entry is stored, and e-mail delivers the alerts."""


Content = Alert | DeadLettered
"""What a message holds: an alert, or why it is none."""
Result = Delivery | SlackIsOff


class SlackWorker:
    """Posts alerts to Slack. All that it uses is handed in."""

    def __init__(
        self, deliver: DeliverAlert, slack: SlackWebhook, queue: MessageQueue, meter: EmfMeter, now_ms: Clock
    ) -> None:
        self._deliver = deliver
        self._slack = slack
        self._queue = queue
        # No threads: Slack takes about one message a second, and a thread that outlives its lease would post twice.
        self._batch = BatchLoop(queue, meter, now_ms)
        self._reporter = Reporter(meter, now_ms, "NotificationsDeferred", "NotificationsFailed", destination=slack.name)
        self._meter = meter
        self._now_ms = now_ms

    def handle(self, event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
        """Answer an SQS batch with its failed messages."""
        deadline_ms = self._now_ms() + context.get_remaining_time_in_millis()

        def work(group: Group[Content]) -> Result:
            return self._settle(group.content, group.messages[0], deadline_ms)

        try:
            messages = [read_message(record) for record in event["Records"]]
            groups = [Group([message], _read(message)) for message in messages]
            return self._batch.run(groups, work, self._report, deadline_ms)
        finally:
            self._meter.flush()

    def _settle(self, content: Content, message: Message, deadline_ms: int) -> Result:
        """Post an alert. Send a deferral back to the queue, a dead letter to its queue."""
        result = self._post(content, message, deadline_ms) if isinstance(content, Alert) else content
        match result:
            case Deferred():
                self._queue.defer(message.body, result)
            case DeadLettered():
                self._queue.dead_letter(message.body, result)
        return result

    def _post(self, alert: Alert, message: Message, deadline_ms: int) -> Result:
        return SlackIsOff() if self._slack.off else self._deliver(alert, message.history, deadline_ms)

    def _report(self, group: Group[Content], result: Result) -> None:
        """Write one log line and count. Ids only, never spoken words."""
        about: dict[str, Any] = {}
        if isinstance(group.content, Alert):
            about = {"recording_id": group.content.recording_id, "alert_id": group.content.alert_id}
        match result:
            case Sent(repeats_unknown):
                self._meter.add("NotificationsSent", destination=self._slack.name)
                if repeats_unknown:
                    self._meter.add("NotificationsRepeated", destination=self._slack.name)
                logger.info("sent", repeats_unknown=repeats_unknown, **about)
            case SentBefore():
                self._meter.add("DuplicatesSkipped")
                logger.info("sent_before", **about)
            case SlackIsOff():
                logger.info("slack_is_off", **about)
            case Deferred():
                self._reporter.deferred(result, **about)
            case DeadLettered():
                self._reporter.dead_lettered(result, **about)


def _read(message: Message) -> Content:
    try:
        return Alert.model_validate_json(message.body)
    except ValidationError:
        return DeadLettered("malformed_alert", "The message is not an alert of schema version 1.")
