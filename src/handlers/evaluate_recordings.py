"""Lambda entrance: "recording analysed" events from the event queue, or one event invoked directly.

Follow one downwards: `lambda_handler` → `EvaluationWorker.handle` → `domain.evaluation.evaluate`.
"""

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Protocol

import boto3
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from adapters.alert_topic import SnsAlertTopic
from adapters.batching import Crew
from adapters.dynamodb.marks import DynamoMarks
from adapters.dynamodb.outcome_table import DynamoOutcomeTable
from adapters.dynamodb.request_budget import SharedRequestBudget
from adapters.event_queue import event_text
from adapters.identitycall.client import API_KEY, IdentityCallApi
from adapters.message_queue import MessageQueue, as_body
from adapters.rule_book import RULES, StoredRules
from domain.errors import OPERATOR_NEEDED
from domain.evaluation.evaluate import Duplicate, Evaluated, EvaluateRecording, RecordingEvent, Result
from domain.evaluation.fetch import FetchAnalysis
from domain.evaluation.outcome import Source
from domain.ports import Clock
from domain.recording import RecordingId
from domain.retry import DeadLettered, Deferred, History, over_an_hour
from domain.triggers.recording_events import MalformedEvent, read, read_text
from runtime.aws import AWS_CONFIG, BATCH_SIZE, PUBLISH_CONFIG, message_queue, parameters
from runtime.clock import now_ms
from runtime.local_stack import require_local_stack
from runtime.messages import Message, read_message
from runtime.metrics import EmfMeter
from runtime.settings import EvaluationSettings

logger = Logger()


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return worker().handle(event, context)


@cache
def worker() -> "EvaluationWorker":
    """Built at the first invocation and kept. Raises `ValidationError` naming each setting that is missing or wrong."""
    settings = EvaluationSettings.from_environment()
    require_local_stack(settings.aws_endpoint_url)
    table, retention_days = settings.outcome_table_name, settings.outcome_retention_days
    meter = EmfMeter()
    crew = Crew(BATCH_SIZE)
    dynamodb = boto3.client("dynamodb", config=AWS_CONFIG)
    stored = parameters(settings.parameter_prefix, API_KEY, RULES)
    evaluate = EvaluateRecording(
        fetch=FetchAnalysis(
            IdentityCallApi(settings.identitycall_base_url, stored, meter, now_ms),
            SharedRequestBudget(dynamodb, table, settings.requests_per_minute, meter, now_ms, crew),
            now_ms,
        ),
        rules=StoredRules(stored, settings.max_pause_ms),
        outcomes=DynamoOutcomeTable(dynamodb, table, retention_days, now_ms, crew),
        marks=DynamoMarks(dynamodb, table, now_ms),
        topic=SnsAlertTopic(boto3.client("sns", config=PUBLISH_CONFIG), settings.alert_topic_arn),
        meter=meter,
        now_ms=now_ms,
        random=random.random,
    )
    queue = message_queue(settings.event_queue_url, settings.event_dead_letter_queue_url)
    return EvaluationWorker(evaluate, queue, meter, now_ms, crew.run_all)


@dataclass(frozen=True, slots=True)
class Received:
    """A message and the event it holds."""

    message: Message
    event: RecordingEvent


@dataclass(frozen=True, slots=True)
class Group:
    """All messages of a batch about one recording, and the newest event of them, whose evaluation answers them all."""

    newest: Received
    messages: Sequence[Message]


@dataclass(frozen=True, slots=True)
class Unreadable:
    message: Message
    refusal: DeadLettered

    @property
    def messages(self) -> Sequence[Message]:
        return (self.message,)


class RunAll(Protocol):
    """Call a function with each item, at the same time; the results in the items' order, `None` for one that is not
    through after that time."""

    def __call__(self, function: Callable[[Any], Any], items: Iterable[Any], timeout_s: float, /) -> Sequence[Any]: ...


class EvaluationWorker:
    """What the function does, with everything it uses handed in."""

    def __init__(
        self,
        evaluate: EvaluateRecording,
        queue: MessageQueue,
        meter: EmfMeter,
        now_ms: Clock,
        run_all: RunAll,
    ) -> None:
        self._evaluate = evaluate
        self._queue = queue
        self._meter = meter
        self._now_ms = now_ms
        self._run_all = run_all

    def handle(self, event: Any, context: LambdaContext) -> dict[str, Any]:
        """An SQS batch is answered with its failed messages, anything else with what came of it."""
        deadline_ms = self._now_ms() + context.get_remaining_time_in_millis()
        try:
            match event:
                case {"Records": [{"eventSource": "aws:sqs"}, *_] as records}:
                    return self._batch([read_message(record) for record in records], deadline_ms)
                case _:
                    return self._directly(event, deadline_ms)
        finally:
            self._meter.flush()

    def _batch(self, messages: Sequence[Message], deadline_ms: int) -> dict[str, Any]:
        self._meter.add("RecordingsReceived", len(messages))
        work = _by_recording(messages)
        time_left_s = (deadline_ms - self._now_ms() - _ANSWER_RESERVE_MS) / 1000
        answers = self._run_all(lambda part: self._settle(part, deadline_ms), work, time_left_s)
        failed = [
            message.message_id
            for part, answer in zip(work, answers, strict=True)
            for message in self._report_part(part, answer)
        ]
        # Exactly this shape: Lambda takes any other for a failure of the whole batch.
        return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}

    def _settle(self, part: Group | Unreadable, deadline_ms: int) -> Result | Exception:
        """Do what one recording's events or one malformed message ask for. What fails must not hurt the others."""
        try:
            match part:
                case Unreadable(message, refusal):
                    self._queue.dead_letter(message.body, refusal)
                    return refusal
                case Group(newest):
                    result = self._evaluate(newest.event, deadline_ms)
                    self._carry_out(newest.event, newest.message.body, result)
                    return result
        except Exception as error:  # noqa: BLE001 - reported by `_report_part`
            return error

    def _report_part(self, part: Group | Unreadable, answer: Result | Exception | None) -> Sequence[Message]:
        """Report what came of a part; its messages, if they are to be redelivered: it raised, or time runs out and it
        is not done. Not in the threads, which would wait for each other at the log."""
        match part, answer:
            case _, None | Exception():
                error = answer or TimeoutError("not done before the invocation's time limit")
                for message in part.messages:
                    self._redeliver(message, error)
                return part.messages
            case Unreadable(message, refusal), _:
                self._report_refusal(refusal, message_id=message.message_id)
            case Group(newest, messages), _:
                self._report(newest.event, answer)
                if len(messages) > 1:
                    self._meter.add("DuplicatesSkipped", len(messages) - 1)
        return ()

    def _directly(self, event: object, deadline_ms: int) -> dict[str, Any]:
        self._meter.add("RecordingsReceived")
        try:
            announced = read(event)
        except MalformedEvent as fault:
            refusal = DeadLettered(fault.word, str(fault))
            self._queue.dead_letter(as_body(event), refusal)
            self._report_refusal(refusal)
            return _answer(None, refusal)
        now_ms = self._now_ms()
        history = History(first_sent_ms=now_ms, copied_ms=now_ms)
        happened_ms = min(announced.sent_ms, now_ms) if announced.sent_ms is not None else None
        recording_event = RecordingEvent(announced.recording, announced.source, history, happened_ms)
        result = self._evaluate(recording_event, deadline_ms)
        self._carry_out(recording_event, as_body(event), result)
        self._report(recording_event, result)
        return _answer(announced.recording, result)

    def _carry_out(self, event: RecordingEvent, body: str, result: Result) -> None:
        match result:
            case Deferred():
                # Not the body, which can be as large as a message may be, and then has no room for the history.
                self._queue.defer(event_text(event.recording, event.source), result)
            case DeadLettered():
                self._queue.dead_letter(body, result)
            case Evaluated() | Duplicate():
                pass

    def _redeliver(self, message: Message, error: Exception) -> None:
        """Leave a message to the queue, which delivers it again, later each time."""
        self._meter.add("RecordsFailed")
        logger.error("unexpected error; the message will be redelivered", exc_info=error, message_id=message.message_id)
        try:
            self._queue.back_off(message.receipt_handle, message.receive_count)
        except Exception:
            logger.exception("the redelivery could not be delayed", message_id=message.message_id)

    def _report(self, event: RecordingEvent, result: Result) -> None:
        """One log line a recording, and its metrics. Ids and counts only: never what people said."""
        about: dict[str, Any] = {"recording_id": event.recording, "source": event.source}
        match result:
            case Evaluated(outcome, alerted, details_obstacle):
                self._meter.add("RecordingsEvaluated")
                self._meter.add("RuleViolations", outcome.violations_total)
                about |= {
                    "status": outcome.status,
                    "violations": outcome.violations_total,
                    "revision": outcome.revision,
                    "alerted": alerted,
                }
                if details_obstacle:
                    about["details_missing"] = details_obstacle
            case Duplicate(_, reason, alerted):
                self._meter.add("DuplicatesSkipped")
                about |= {"reason": reason, "alerted": alerted}
            case Deferred():
                self._meter.add("RecordingsDeferred", reason=result.reason)
                if result.reason in OPERATOR_NEEDED:
                    self._meter.add("OperatorNeeded")
                if over_an_hour(event.history, self._now_ms()):
                    self._meter.add("DeferredOverAnHour")
                about |= {"reason": result.reason, "delay_s": result.delay_s, "detail": result.message}
            case DeadLettered():
                self._report_refusal(result, **about)
                return
        logger.info(_WORDS[type(result)], **about)

    def _report_refusal(self, refusal: DeadLettered, **about: Any) -> None:
        self._meter.add("EventsDeadLettered", reason=refusal.reason)
        logger.warning("dead_lettered", reason=refusal.reason, detail=refusal.message, **about)


_ANSWER_RESERVE_MS = 2_000
"""Time to answer Lambda with what is not done, rather than have it redeliver what is."""
_WORDS = {Evaluated: "evaluated", Duplicate: "duplicate", Deferred: "deferred", DeadLettered: "dead_lettered"}


def _answer(recording: RecordingId | None, result: Result) -> dict[str, Any]:
    reason = result.outcome.status if isinstance(result, Evaluated) else result.reason
    return {"recording_id": recording, "result": _WORDS[type(result)], "reason": str(reason)}


def _by_recording(messages: Sequence[Message]) -> list[Group | Unreadable]:
    """A part of work for each recording and for each malformed message."""
    groups: dict[RecordingId, list[Received]] = {}
    unreadable: list[Group | Unreadable] = []
    for message in messages:
        try:
            announced = read_text(message.body)
        except MalformedEvent as fault:
            unreadable.append(Unreadable(message, DeadLettered(fault.word, str(fault))))
            continue
        event = RecordingEvent(announced.recording, announced.source, message.history)
        groups.setdefault(announced.recording, []).append(Received(message, event))
    return unreadable + [Group(_newest(group), [received.message for received in group]) for group in groups.values()]


def _newest(group: Sequence[Received]) -> Received:
    """The newest event asks for most; and any judgement would answer discovery's, so another trigger's word counts."""
    newest = max(group, key=lambda received: received.event.history.first_sent_ms)
    sources = [received.event.source for received in group if received.event.source is not Source.DISCOVERY]
    return replace(newest, event=replace(newest.event, source=sources[0])) if sources else newest
