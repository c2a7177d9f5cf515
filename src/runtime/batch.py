"""The batch loop of both queues: work on groups of messages, answer Lambda with the messages that failed."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from aws_lambda_powertools import Logger

from adapters.batching import BatchThreads
from adapters.message_queue import MessageQueue
from domain.ports import Clock, Meter
from domain.retry import DeadLettered, give_up
from runtime.messages import Message

ANSWER_RESERVE_MS: Final = 2_000
"""Time to answer Lambda. Without an answer, SQS redelivers the whole batch, finished messages included."""

logger = Logger()

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Group(Generic[T]):
    """Messages that one piece of work answers. `content` was read from the first of them.

    A message may be in several groups. It fails if the work of one of them fails.
    """

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
        report: Callable[[Group[T], R | DeadLettered], None],
        deadline_ms: int,
    ) -> dict[str, Any]:
        """Call `work` with each group, then `report` with each result in this thread. No result may be `None`.

        A group fails if its `work` raises, or if its thread is not done just before `deadline_ms` (epoch). SQS
        redelivers its messages. One that has failed too often becomes a dead letter, which is reported as a result.
        The return value is Lambda's partial batch response: `{"batchItemFailures": [{"itemIdentifier": id}, …]}`.
        """

        def attempt(group: Group[T]) -> R | Exception:
            try:
                return work(group)
            except Exception as error:  # noqa: BLE001 - logged below; the other groups go on
                return error

        results: Iterable[R | Exception | None]
        if self._threads:
            time_left_s = (deadline_ms - self._now_ms() - ANSWER_RESERVE_MS) / 1000
            results = self._threads.run_all(attempt, groups, time_left_s)
        else:
            results = map(attempt, groups)  # Each is reported before the next group is worked on.
        failed: list[Message] = []
        # Threads that report would wait for each other at the log.
        for group, result in zip(groups, results, strict=True):
            if result is None or isinstance(result, Exception):
                error = result or TimeoutError("not done before the invocation's time limit")
                for message in group.messages:
                    letter = self._fail(message, error)
                    if letter:
                        report(Group([message], group.content), letter)
                    else:
                        failed.append(message)
            else:
                report(group, result)
        # Lambda takes any other shape for a failure of the whole batch.
        ids = dict.fromkeys(message.message_id for message in failed)
        return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in ids]}

    def _fail(self, message: Message, error: Exception) -> DeadLettered | None:
        """Log and count the error. Dead-letter the message, or have SQS redeliver it, later each time."""
        message_id = message.message_id
        self._meter.add("RecordsFailed")
        logger.error("unexpected error", exc_info=error, message_id=message_id, failures=message.history.failures + 1)
        try:
            letter = give_up(error, message.history)
            if letter:
                self._queue.dead_letter(message.body, letter)
                return letter
            self._queue.back_off(message.receipt_handle, message.history.failures)
        except Exception:
            logger.warning("SQS was out of reach; it redelivers later", exc_info=True, message_id=message_id)
        return None
