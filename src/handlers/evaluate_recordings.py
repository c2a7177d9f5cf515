"""Lambda entrance: "recording analysed" events from the event queue, or one event invoked directly.

Follow one downwards: `lambda_handler` → `EvaluationWorker.handle` → `domain.evaluate_recording`.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Protocol

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from adapters.event_queue import event_text
from adapters.message_queue import MessageQueue, as_body
from domain.delivery import DeadLettered, Deferred, History, over_an_hour
from domain.evaluate_recording import Duplicate, Evaluated, EvaluateRecording, RecordingEvent, Result
from domain.outcome import Source
from domain.ports import Clock
from domain.recording import RecordingId
from handlers import wiring
from handlers.messages import Message, read_message
from handlers.recording_events import Announcement, MalformedEvent, read, read_text
from handlers.telemetry import EmfMeter

logger = Logger()


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return wiring.evaluation_worker().handle(event, context)


@dataclass(frozen=True, slots=True)
class Received:
    """A message and the event it holds."""

    message: Message
    event: RecordingEvent


class RunAll(Protocol):
    """Call a function with each item, at the same time; the results in the items' order."""

    def __call__(self, function: Callable[[Any], Any], items: Iterable[Any], /) -> Iterable[Any]: ...


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
        groups: dict[object, list[Received]] = {}
        failed: list[str] = []
        for message in messages:
            try:
                announced = read_text(message.body)
            except MalformedEvent as fault:
                failed += self._refuse(message, fault)
                continue
            event = RecordingEvent(announced.recording, announced.source, message.history)
            # One evaluation answers all events for a recording, except that discovery's may be answered with less.
            groups.setdefault((event.recording, event.source is Source.DISCOVERY), []).append(Received(message, event))
        failed += chain.from_iterable(
            self._run_all(lambda group: self._evaluate_group(group, deadline_ms), list(groups.values()))
        )
        # Exactly this shape: Lambda takes any other for a failure of the whole batch.
        return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}

    def _evaluate_group(self, group: Sequence[Received], deadline_ms: int) -> list[str]:
        """Evaluate the newest event of a recording, which answers the older ones; the ids of failed messages."""
        newest = max(group, key=lambda received: received.event.history.first_sent_ms)
        try:
            result = self._evaluate(newest.event, deadline_ms)
            self._carry_out(newest.event, newest.message.body, result)
        except Exception as error:  # noqa: BLE001 - a record that fails must not hurt its neighbours
            return list(chain.from_iterable(self._fail(received.message, error) for received in group))
        self._report(newest.event, result)
        if len(group) > 1:
            self._meter.add("DuplicatesSkipped", len(group) - 1)
        return []

    def _directly(self, event: object, deadline_ms: int) -> dict[str, Any]:
        self._meter.add("RecordingsReceived")
        try:
            announced = read(event)
        except MalformedEvent as fault:
            refusal = DeadLettered(fault.word, str(fault))
            self._queue.dead_letter(as_body(event), refusal)
            self._report_refusal(refusal)
            return _answer(None, refusal)
        recording_event = RecordingEvent(announced.recording, announced.source, self._fresh_history(announced))
        result = self._evaluate(recording_event, deadline_ms)
        self._carry_out(recording_event, as_body(event), result)
        self._report(recording_event, result)
        return _answer(announced.recording, result)

    def _fresh_history(self, announced: Announcement) -> History:
        now_ms = self._now_ms()
        return History(first_sent_ms=announced.sent_ms or now_ms, copied_ms=now_ms)

    def _refuse(self, message: Message, fault: MalformedEvent) -> list[str]:
        refusal = DeadLettered(fault.word, str(fault))
        try:
            self._queue.dead_letter(message.body, refusal)
        except Exception as error:  # noqa: BLE001 - a record that fails must not hurt its neighbours
            return self._fail(message, error)
        self._report_refusal(refusal, message_id=message.message_id)
        return []

    def _carry_out(self, event: RecordingEvent, body: str, result: Result) -> None:
        match result:
            case Deferred():
                # Not the body, which can be as large as a message may be, and then has no room for the history.
                self._queue.defer(event_text(event.recording, event.source), result)
            case DeadLettered():
                self._queue.dead_letter(body, result)
            case Evaluated() | Duplicate():
                pass

    def _fail(self, message: Message, error: Exception) -> list[str]:
        """Leave a message to be redelivered, later each time."""
        self._meter.add("RecordsFailed")
        logger.error("unexpected error; the message will be redelivered", exc_info=error, message_id=message.message_id)
        try:
            self._queue.back_off(message.receipt_handle, message.receive_count)
        except Exception:
            logger.exception("the redelivery could not be delayed", message_id=message.message_id)
        return [message.message_id]

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
                }
                if details_obstacle:
                    about["details_missing"] = details_obstacle
                self._report_alert(event, alerted)
            case Duplicate(_, reason, alerted):
                self._meter.add("DuplicatesSkipped")
                about["reason"] = reason
                self._report_alert(event, alerted)
            case Deferred():
                self._meter.add("RecordingsDeferred", reason=result.reason)
                if over_an_hour(event.history, self._now_ms()):
                    self._meter.add("DeferredOverAnHour")
                about |= {"reason": result.reason, "delay_s": result.delay_s, "detail": result.message}
            case DeadLettered():
                self._report_refusal(result, **about)
                return
        logger.info(_WORDS[type(result)], **about)

    def _report_alert(self, event: RecordingEvent, alerted: bool) -> None:
        if alerted:
            self._meter.add("AlertsPublished")
            self._meter.add("EventToAlertMs", self._now_ms() - event.history.first_sent_ms)

    def _report_refusal(self, refusal: DeadLettered, **about: Any) -> None:
        self._meter.add("EventsDeadLettered", reason=refusal.reason)
        logger.warning("dead_lettered", reason=refusal.reason, detail=refusal.message, **about)


_WORDS = {Evaluated: "evaluated", Duplicate: "duplicate", Deferred: "deferred", DeadLettered: "dead_lettered"}


def _answer(recording: RecordingId | None, result: Result) -> dict[str, Any]:
    reason = result.outcome.status if isinstance(result, Evaluated) else result.reason
    return {"recording_id": recording, "result": _WORDS[type(result)], "reason": str(reason)}
