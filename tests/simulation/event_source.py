"""Lambda's event source mapping: pollers between a queue and a function, with partial batch responses."""

from collections.abc import Mapping
from typing import Any, Final

from tests.simulation.faults import FaultPlan
from tests.simulation.functions import FAILED, Function, Invocation, Watcher
from tests.simulation.queue import Message, Queue
from tests.simulation.world import World

_POLL_MS: Final = 400


class EventSourceMapping:
    """Lambda's pollers between a queue and a function."""

    def __init__(
        self,
        world: World,
        fault_plan: FaultPlan,
        queue: Queue,
        function: Function,
        batch_size: int,
        watcher: Watcher,
    ) -> None:
        self._world = world
        self._fault_plan = fault_plan
        self._queue = queue
        self._function = function
        self._batch_size = batch_size
        self._watcher = watcher
        self._polling = False
        queue.on_arrival = self._poll_soon
        function.on_idle = self._poll_soon

    def _poll_soon(self) -> None:
        if not self._polling:
            self._polling = True
            self._world.at(self._world.now_ms + self._world.between(0, _POLL_MS), self._poll)

    def _poll(self) -> None:
        world = self._world
        self._polling = False
        while environment := self._function.idle():
            batch = self._queue.receive(self._batch_size if world.chance(0.7) else world.between(1, self._batch_size))
            if not batch:
                return
            if self._fault_plan.duplicates(world):
                # At least once: another server of the queue still holds a copy.
                self._queue.show_again(world.random.choice(batch), world.between(0, 20_000))
            world.log(environment.name, "receives {}", ", ".join(f"{m.message_id} ({m.facts.name})" for m in batch))
            event = {"Records": [_record(message) for message in batch]}
            self._function.invoke(environment, event, batch, None, self._done)

    def _done(self, invocation: Invocation, response: object) -> None:
        failed = failed_messages(response, invocation.messages)
        for message in invocation.messages.values():
            if message.message_id not in failed:
                self._queue.delete(message)
        for message in invocation.messages.values():
            if message.message_id not in failed:
                self._watcher.acknowledged(message.facts, invocation)
            else:
                self._watcher.failed(message.facts, invocation, message.message_id)
        if failed:
            self._world.log(invocation.name, "ends; failed: {}", ", ".join(failed))


def failed_messages(response: object, messages: Mapping[str, Message]) -> list[str]:
    """The failed message ids of a response under `ReportBatchItemFailures`. An unknown shape fails the batch."""
    whole_batch = list(messages)
    if response is FAILED or not isinstance(response, dict) or response.keys() - {"batchItemFailures"}:
        return whole_batch
    failures = response.get("batchItemFailures") or []
    if not isinstance(failures, list):
        return whole_batch
    failed = []
    for failure in failures:
        if not isinstance(failure, dict) or failure.keys() != {"itemIdentifier"}:
            return whole_batch
        if failure["itemIdentifier"] not in messages:
            return whole_batch
        failed.append(failure["itemIdentifier"])
    return failed


def _record(message: Message) -> dict[str, Any]:
    """A record as Lambda delivers it."""
    return {
        "messageId": message.message_id,
        "receiptHandle": message.receipt,
        "body": message.body,
        "attributes": {
            "ApproximateReceiveCount": str(message.receives),
            "SentTimestamp": str(message.sent_ms),
            "SenderId": "simulation",
            "ApproximateFirstReceiveTimestamp": str(message.sent_ms),
        },
        "messageAttributes": {
            name: {"stringValue": value["StringValue"], "dataType": value["DataType"]}
            for name, value in message.attributes.items()
        },
        "md5OfBody": "",
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:eu-central-1:123456789012:simulation",
        "awsRegion": "eu-central-1",
    }
