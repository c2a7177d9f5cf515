"""The batch loop of both queues: work on groups of messages, answer Lambda with the messages that failed."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from aws_lambda_powertools import Logger

from adapters.batching import BatchThreads
from adapters.message_queue import MessageQueue
from domain.ports import Clock, Meter
from runtime.messages import Message

_ANSWER_RESERVE_MS: Final = 2_000
"""Time to answer Lambda. Without an answer, SQS redelivers the whole batch, finished messages included."""

logger = Logger()

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Group(Generic[T]):
    """Messages that one piece of work answers. `content` was read from the first of them."""

    messages: Sequence[Message]
    content: T


class BatchLoop:
    """Works on the groups in `threads` at the same time; without threads, on one after the other."""

    def __init__(self, queue: MessageQueue, meter: Meter, now_ms: Clock, threads: BatchThreads | None = None) -> None:
        self._queue = queue
        self._meter = meter
        self._now_ms = now_ms
        self._threads = threads

    def run(
        self,
        groups: Sequence[Group[T]],
        work: Callable[[Group[T]], R],
        report: Callable[[Group[T], R], None],
        deadline_ms: int,
    ) -> dict[str, Any]:
        """Call `work` with each group, then `report` with each result in this thread. No result may be `None`.

        SQS redelivers the messages of a group whose `work` raises, or whose thread is not done just before
        `deadline_ms` (epoch).
        The return value is Lambda's partial batch response: `{"batchItemFailures": [{"itemIdentifier": id}, …]}`.
        """

        def attempt(group: Group[T]) -> R | Exception:
            try:
                return work(group)
            except Exception as error:  # noqa: BLE001 - logged below; the other groups go on
                return error

        results: Iterable[R | Exception | None]
        if self._threads:
            time_left_s = (deadline_ms - self._now_ms() - _ANSWER_RESERVE_MS) / 1000
            results = self._threads.run_all(attempt, groups, time_left_s)
        else:
            results = map(attempt, groups)  # Each is reported before the next group is worked on.
        failed: list[Message] = []
        # Threads that report would wait for each other at the log.
        for group, result in zip(groups, results, strict=True):
            if result is None or isinstance(result, Exception):
                self._redeliver(group, result or TimeoutError("not done before the invocation's time limit"))
                failed.extend(group.messages)
            else:
                report(group, result)
        # Lambda takes any other shape for a failure of the whole batch.
        return {"batchItemFailures": [{"itemIdentifier": message.message_id} for message in failed]}

    def _redeliver(self, group: Group[T], error: Exception) -> None:
        """Log and count the error. SQS redelivers each message, later each time."""
        for message in group.messages:
            message_id = message.message_id
            self._meter.add("RecordsFailed")
            logger.error("unexpected error; the message will be redelivered", exc_info=error, message_id=message_id)
            try:
                self._queue.back_off(message.receipt_handle, message.receive_count)
            except Exception:
                logger.warning("the redelivery could not be delayed", exc_info=True, message_id=message_id)
