"""Lambda entrance: webhooks at the function's public URL. Verify, accept, enqueue; nothing else.

    202   the queue has taken the event, or its type is not one of ours (`domain.triggers.webhook_event` has the rule).
    400   not UTF-8, not JSON, or it names no recording: the message says which field is wrong.
    401   neither a valid signature nor a valid token; never which part was wrong.
    405   not a POST.               415   not JSON by its Content-Type.               413   over 256 KB.
    503   the queue or Parameter Store is out of reach, or anything unexpected: the sender tries again.

What arrives twice is enqueued twice, and evaluation judges it once. Only counts of refused calls outlive a call
(`runtime.refusals`).
"""

import traceback
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.exceptions import BotoCoreError, ClientError
from pydantic_core import from_json

from adapters.event_queue import EventQueue
from adapters.webhook_gate import WEBHOOK_SECRET, WebhookGate
from domain import wording
from domain.triggers.recording_events import MalformedEvent, read
from domain.triggers.source import Source
from domain.triggers.webhook_event import event_types, may_announce_results
from runtime.function_url import Answer, Status, read_json_post
from runtime.local_stack import require_local_stack
from runtime.metrics import EmfMeter
from runtime.outside import WEBHOOK_CONFIG, Outside
from runtime.refusals import Refusals
from runtime.settings import WebhookSettings

logger = Logger()

_UNAVAILABLE = Answer(Status.UNAVAILABLE, "Not taken; please send it again later.")
_MAX_TYPE = 60
_FRAMES = 3


def lambda_handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    return worker().handle(event)


@cache
def worker() -> "WebhookReceiver":
    """Built at the first invocation and kept. Raises `ValidationError` naming each setting that is missing or wrong."""
    settings = WebhookSettings.from_environment()
    require_local_stack(settings.aws_endpoint_url)
    return build(settings, Outside(WEBHOOK_CONFIG))


def build(settings: WebhookSettings, outside: Outside) -> "WebhookReceiver":
    """Put the receiver together."""
    gate = WebhookGate(outside.parameters(settings.parameter_prefix, WEBHOOK_SECRET), outside.now_ms)
    queue = EventQueue(outside.sqs, settings.event_queue_url)
    return WebhookReceiver(gate, queue, outside.meter(), Refusals(outside.now_ms))


class WebhookReceiver:
    """Receives webhooks. All that it uses is handed in."""

    def __init__(self, gate: WebhookGate, queue: EventQueue, meter: EmfMeter, refusals: Refusals) -> None:
        self._gate = gate
        self._queue = queue
        self._meter = meter
        self._refusals = refusals

    def handle(self, event: dict[str, Any]) -> dict[str, Any]:
        """Answer any request with one of the answers listed above."""
        try:
            answer = self._receive(event)
        except (BotoCoreError, ClientError) as error:
            logger.error("unavailable", detail=str(error))  # noqa: TRY400 - a trace through botocore helps no reader
            answer = _UNAVAILABLE
        except Exception as error:  # noqa: BLE001 - the sender tries again, and the log says where it happened
            # Not the error's text, which could repeat what was sent.
            logger.error("unexpected", error=type(error).__name__, where=_where(error))  # noqa: TRY400
            answer = _UNAVAILABLE
        self._meter.add("WebhooksReceived", status=answer.status)
        if self._refusals.log(answer):
            self._meter.flush()
        return answer.as_payload()

    def _receive(self, event: dict[str, Any]) -> Answer:
        post = read_json_post(event)
        if isinstance(post, Answer):
            return post
        refusal = self._gate.refusal(post.headers, post.body)
        if refusal:
            why = {"reason": refusal.reason, "detail": refusal.detail}
            return Answer(Status.UNAUTHORIZED, "Not authorized.", {"WWW-Authenticate": "Bearer"}, why)
        return self._accept(post.body)

    def _accept(self, body: str) -> Answer:
        """Enqueue the event of an authorized caller."""
        try:
            event = from_json(body)
        except ValueError:
            return _malformed("The body is not JSON.")
        if not may_announce_results(event):
            self._meter.add("WebhooksIgnored")
            logger.info("ignored", event_type=[wording.clean(name)[:_MAX_TYPE] for name in event_types(event)])
            return Answer(Status.ACCEPTED, "Ignored: this type of event says nothing about an analysed recording.")
        try:
            recording = read(event).recording
        except MalformedEvent as fault:
            return _malformed(str(fault))
        self._queue.send(recording, Source.WEBHOOK)
        logger.info("accepted", recording_id=recording)
        return Answer(Status.ACCEPTED, "Accepted.")


def _malformed(message: str) -> Answer:
    return Answer(Status.MALFORMED, message, why={"detail": message})


def _where(error: Exception) -> list[str]:
    """The innermost places of an error, without its text."""
    frames = traceback.extract_tb(error.__traceback__)[-_FRAMES:]
    return [f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}" for frame in frames]
