"""Lambda entrance: alerts from the Slack queue, each posted once. Slow or refusing, Slack holds up nobody else."""

import random
from functools import cache
from typing import Any

import boto3
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import ValidationError

from adapters.dynamodb.delivery_table import DynamoDeliveryLedger
from adapters.message_queue import MessageQueue
from adapters.slack.webhook import WEBHOOK_URL, SlackWebhook
from domain.alerts.alert import Alert
from domain.alerts.deliver import DeliverAlert, Delivery, Sent, SentBefore
from domain.ports import Clock
from domain.retry import DeadLettered, Deferred, over_an_hour
from runtime.aws import AWS_CONFIG, message_queue, parameters
from runtime.clock import now_ms
from runtime.local_stack import require_local_stack
from runtime.messages import Message, read_message
from runtime.metrics import EmfMeter
from runtime.settings import SlackSettings

logger = Logger()


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return worker().handle(event, context)


@cache
def worker() -> "SlackWorker":
    """Built at the first invocation and kept. Raises `ValidationError` naming each setting that is missing or wrong."""
    settings = SlackSettings.from_environment()
    require_local_stack(settings.aws_endpoint_url)
    slack = SlackWebhook(
        parameters(settings.parameter_prefix, WEBHOOK_URL),
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
    queue = message_queue(settings.slack_queue_url, settings.slack_dead_letter_queue_url)
    return SlackWorker(deliver, slack, queue, EmfMeter(), now_ms)


class SlackWorker:
    """What the function does, with everything it uses handed in."""

    def __init__(
        self, deliver: DeliverAlert, slack: SlackWebhook, queue: MessageQueue, meter: EmfMeter, now_ms: Clock
    ) -> None:
        self._deliver = deliver
        self._slack = slack
        self._queue = queue
        self._meter = meter
        self._now_ms = now_ms
        self._processor = BatchProcessor(EventType.SQS, raise_on_entire_batch_failure=False)

    def handle(self, event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
        """One message after the other, because Slack takes about one a second."""
        deadline_ms = self._now_ms() + context.get_remaining_time_in_millis()

        def handle_record(record: SQSRecord) -> None:
            self._handle_message(read_message(record.raw_event), deadline_ms)

        try:
            return dict(process_partial_response(event, handle_record, self._processor, context))
        finally:
            self._meter.flush()

    def _handle_message(self, message: Message, deadline_ms: int) -> None:
        try:
            self._post(message, deadline_ms)
        except Exception:
            self._meter.add("RecordsFailed")
            logger.exception("unexpected error; the alert will be redelivered", message_id=message.message_id)
            self._queue.back_off(message.receipt_handle, message.receive_count)
            raise

    def _post(self, message: Message, deadline_ms: int) -> None:
        try:
            alert = Alert.model_validate_json(message.body)
        except ValidationError:
            self._refuse(message, DeadLettered("malformed_alert", "The message is not an alert of schema version 1."))
            return
        if self._slack.off:
            logger.info("slack_is_off", recording_id=alert.recording_id, alert_id=alert.alert_id)
            return
        self._carry_out(message, self._deliver(alert, message.history, deadline_ms), alert)

    def _carry_out(self, message: Message, delivery: Delivery, alert: Alert) -> None:
        about: dict[str, Any] = {"recording_id": alert.recording_id, "alert_id": alert.alert_id}
        match delivery:
            case Sent(repeats_unknown):
                self._meter.add("NotificationsSent", destination="slack")
                if repeats_unknown:
                    self._meter.add("NotificationsRepeated", destination="slack")
                logger.info("sent", repeats_unknown=repeats_unknown, **about)
            case SentBefore():
                self._meter.add("DuplicatesSkipped")
                logger.info("sent_before", **about)
            case Deferred():
                self._queue.defer(message.body, delivery)
                self._meter.add("NotificationsDeferred", destination="slack", reason=delivery.reason)
                if over_an_hour(message.history, self._now_ms()):
                    self._meter.add("DeferredOverAnHour")
                logger.info(
                    "deferred",
                    reason=delivery.reason,
                    delay_s=delivery.delay_s,
                    detail=delivery.message,
                    **about,
                )
            case DeadLettered():
                self._refuse(message, delivery, **about)

    def _refuse(self, message: Message, refusal: DeadLettered, **about: Any) -> None:
        self._queue.dead_letter(message.body, refusal)
        self._meter.add("NotificationsFailed", destination="slack", reason=refusal.reason)
        logger.warning("dead_lettered", reason=refusal.reason, detail=refusal.message, **about)
