"""Lambda entrance: "recording analysed" events from the event queue, or one event invoked directly.

Read downwards: `lambda_handler` → `EvaluationWorker.handle` → `_settle` → `domain.evaluation.evaluate`.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from adapters.alert_topic import SnsAlertTopic
from adapters.batching import BatchThreads
from adapters.dynamodb.marks import DynamoMarks
from adapters.dynamodb.outcome_table import DynamoOutcomeTable
from adapters.dynamodb.request_budget import SharedRequestBudget
from adapters.event_queue import event_text
from adapters.identitycall.client import API_KEY, IdentityCallApi
from adapters.message_queue import MessageQueue, as_body
from adapters.rule_book import RULES, StoredRules
from domain.evaluation.attempt import Attempt
from domain.evaluation.evaluate import EvaluateRecording
from domain.evaluation.event import Duplicate, Evaluated, RecordingEvent, Result
from domain.evaluation.fetch import FetchAnalysis
from domain.evaluation.outbox import Outbox
from domain.ports import Clock
from domain.retry import DeadLettered, Deferred
from runtime.batch import ANSWER_RESERVE_MS, BatchLoop, Group
from runtime.evaluation_report import EvaluationReporter
from runtime.local_stack import require_local_stack
from runtime.messages import Message, read_message
from runtime.metrics import EmfMeter
from runtime.outside import BATCH_SIZE, Outside
from runtime.received_events import Content, by_recording, read_invocation
from runtime.settings import EvaluationSettings


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return worker().handle(event, context)


@cache
def worker() -> "EvaluationWorker":
    """Built at the first invocation and kept. Raises `ValidationError` naming each setting that is missing or wrong."""
    settings = EvaluationSettings.from_environment()
    require_local_stack(settings.aws_endpoint_url)
    return build(settings, Outside())


def build(settings: EvaluationSettings, outside: Outside) -> "EvaluationWorker":
    """Put the worker together."""
    dynamodb, table, now_ms = outside.dynamodb, settings.outcome_table_name, outside.now_ms
    meter, threads = outside.meter(), BatchThreads(BATCH_SIZE)
    stored = outside.parameters(settings.parameter_prefix, API_KEY, RULES)
    api = IdentityCallApi(settings.identitycall_base_url, stored, meter, now_ms, outside.monotonic)
    limit = settings.requests_per_minute
    budget = SharedRequestBudget(dynamodb, table, limit, meter, now_ms, threads, outside.sleep)
    outcomes = DynamoOutcomeTable(dynamodb, table, settings.outcome_retention_days, now_ms, threads)
    topic = SnsAlertTopic(outside.sns, settings.alert_topic_arn, now_ms)
    attempt = Attempt(
        fetch=FetchAnalysis(api, budget, now_ms),
        rules=StoredRules(stored, settings.max_pause_ms),
        outcomes=outcomes,
        outbox=Outbox(outcomes, topic, meter, now_ms),
        now_ms=now_ms,
    )
    marks = DynamoMarks(dynamodb, table, now_ms)
    evaluate = EvaluateRecording(attempt=attempt, marks=marks, now_ms=now_ms, random=outside.random)
    queue = outside.message_queue(settings.event_queue_url, settings.event_dead_letter_queue_url)
    return EvaluationWorker(evaluate, queue, threads, meter, now_ms)


class EvaluationWorker:
    """Evaluates the recordings that events name. All that it uses is handed in."""

    def __init__(
        self, evaluate: EvaluateRecording, queue: MessageQueue, threads: BatchThreads, meter: EmfMeter, now_ms: Clock
    ) -> None:
        self._evaluate = evaluate
        self._queue = queue
        self._batch = BatchLoop(queue, meter, now_ms, threads)
        self._report = EvaluationReporter(meter, now_ms)
        self._meter = meter
        self._now_ms = now_ms

    def handle(self, event: Any, context: LambdaContext) -> dict[str, Any]:
        """Answer an SQS batch with its failed messages, any other event with its result."""
        deadline_ms = self._now_ms() + context.get_remaining_time_in_millis()
        try:
            match event:
                case {"Records": [{"eventSource": "aws:sqs"}, *_] as records}:
                    return self._handle_batch([read_message(record) for record in records], deadline_ms)
                case _:
                    return self._handle_event(event, deadline_ms)
        finally:
            self._meter.flush()

    def _handle_batch(self, messages: Sequence[Message], deadline_ms: int) -> dict[str, Any]:
        self._meter.add("RecordingsReceived", len(messages))

        def work(group: Group[Content]) -> Result:
            return self._settle(group.content, group.messages[0].body, deadline_ms, deadline_ms - ANSWER_RESERVE_MS)

        return self._batch.run(by_recording(messages), work, self._report_group, deadline_ms)

    def _handle_event(self, event: object, deadline_ms: int) -> dict[str, Any]:
        self._meter.add("RecordingsReceived")
        content = read_invocation(event, self._now_ms())
        result = self._settle(content, as_body(event), deadline_ms, deadline_ms)
        self._report(result, **_ids(content))
        reason = result.outcome.status if isinstance(result, Evaluated) else result.reason
        return {
            "recording_id": _ids(content).get("recording_id"),
            "result": _WORDS[type(result)],
            "reason": str(reason),
        }

    def _settle(self, content: Content, body: str, deadline_ms: int, answered_ms: int) -> Result:
        """Evaluate an event. Send a deferral back to the queue, a dead letter to its queue. Runs in a batch thread.

        From `answered_ms` on, SQS knows that the message failed, and redelivers it. So nothing more is sent for it:
        Lambda can freeze a thread with its invocation, and continue it hours later.
        """
        result = self._evaluate(content, deadline_ms) if isinstance(content, RecordingEvent) else content
        if isinstance(result, Deferred | DeadLettered) and self._now_ms() >= answered_ms:
            raise TimeoutError("the invocation is over")
        match content, result:
            case RecordingEvent(recording, source), Deferred():
                # Not the body: a body of the largest size leaves no room for the history.
                self._queue.defer(event_text(recording, source), result)
            case _, DeadLettered():
                self._queue.dead_letter(body, result)
        return result

    def _report_group(self, group: Group[Content], result: Result) -> None:
        self._report(result, **(_ids(group.content) or {"message_id": group.messages[0].message_id}))
        if len(group.messages) > 1:
            self._meter.add("DuplicatesSkipped", len(group.messages) - 1)


_WORDS = {Evaluated: "evaluated", Duplicate: "duplicate", Deferred: "deferred", DeadLettered: "dead_lettered"}


def _ids(content: Content) -> dict[str, Any]:
    if isinstance(content, DeadLettered):
        return {}
    return {"recording_id": content.recording, "source": content.source}
