"""Lambda: execution environments, event source mappings, partial responses, time limits, direct invocations."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from greenlet import getcurrent

from runtime.batch import Group
from tests.simulation.faults import FaultPlan
from tests.simulation.queue import Facts, Message, Queue
from tests.simulation.world import Life, Task, World

TIMEOUT_MS: Final = 30_000
_POLL_MS: Final = 400
_DIRECT_RETRIES_MS: Final = (60_000, 120_000)
"""Lambda tries an asynchronous invocation twice more, a minute and then two minutes later."""


class Worker(Protocol):
    def handle(self, event: dict[str, Any], context: Any, /) -> dict[str, Any]: ...


class Environment:
    """An execution environment: one invocation at a time, its own clock, and a worker kept between invocations."""

    def __init__(self, name: str, skew_ms: int) -> None:
        self.name = name
        self.skew_ms = skew_ms
        self.worker: Worker | None = None
        self.busy = False
        self.lives: list[Life] = []
        """The running invocation, and earlier ones with running threads."""


class Invocation(Life):
    def __init__(self, environment: Environment, number: int, messages: list[Message], facts: Facts | None) -> None:
        super().__init__(f"{environment.name}#{number}")
        self.environment = environment
        self.messages = {message.message_id: message for message in messages}
        self.direct = facts
        self.over = False
        self.timed_out = False
        self.on_buried: Callable[[], None] = lambda: None

    def buried(self) -> None:
        self.on_buried()

    def facts_of(self, task: Task) -> list[Facts]:
        """The facts of a thread's work: the direct event, or one recording's messages, the newest first."""
        if self.direct:
            return [self.direct]
        group: Group[object] | None = task.notes.get("item")
        return [self.messages[message.message_id].facts for message in group.messages] if group else []

    def facts_behind(self, task: Task, body: str) -> Facts:
        """The facts of the message whose copy a thread sends."""
        alike = [message.facts for message in self.messages.values() if message.body.startswith(body)]
        return next(iter([*self.facts_of(task), *alike]))

    def excuses(self, message_id: str) -> bool:
        """Whether it may fail this message: it died, its thread was delayed, or a call failed."""
        own = [task for task in self.tasks if self._works_on(task, message_id)]
        return self.dead or self.faults > 0 or any(task.faults or task.delays for task in own)

    def _works_on(self, task: Task, message_id: str) -> bool:
        item = task.notes.get("item")
        return item is None or any(message.message_id == message_id for message in item.messages)


@dataclass(frozen=True)
class Context:
    """Lambda's context object, the used part."""

    world: World
    ends_ms: int

    def get_remaining_time_in_millis(self) -> int:
        return max(0, self.ends_ms - self.world.now_ms)


class Watcher(Protocol):
    """Observes how invocations end."""

    def acknowledged(self, facts: Facts, invocation: Invocation) -> None: ...

    def failed(self, facts: Facts, invocation: Invocation, message_id: str) -> None: ...


Make = Callable[[Environment], Worker]
Done = Callable[[Invocation, object], None]
FAILED: Final = object()
"""In place of a response: an error, a crash, or the time limit."""


class Function:
    def __init__(self, world: World, fault_plan: FaultPlan, make: Make, environments: list[Environment]) -> None:
        self._world = world
        self._fault_plan = fault_plan
        self._make = make
        self._environments = environments
        self._invocations = 0

    def idle(self) -> Environment | None:
        free = [environment for environment in self._environments if not environment.busy]
        return self._world.random.choice(free) if free else None

    def invoke(
        self,
        environment: Environment,
        event: dict[str, Any],
        messages: list[Message],
        facts: Facts | None,
        done: Done,
    ) -> None:
        world = self._world
        self._invocations += 1
        invocation = Invocation(environment, self._invocations, messages, facts)
        environment.busy = True
        if world.now_ms < self._fault_plan.faults_end_ms and world.chance(0.03):
            self._retire(environment)  # Lambda may do so at any time
        for life in environment.lives:
            world.log(environment.name, "the threads left of {} continue", life.name)
            world.thaw(life)
        environment.lives.append(invocation)
        context = Context(world, world.now_ms + TIMEOUT_MS)

        def run() -> None:
            try:
                if environment.worker is None:
                    environment.worker = self._make(environment)
                response: object = environment.worker.handle(event, context)
            except Exception as error:  # noqa: BLE001 - as in Lambda: any error fails the invocation
                world.log(invocation.name, "ends with {!r}", error)
                response = FAILED
            end(response)

        def end(response: object) -> None:
            if not invocation.over:
                invocation.over = True
                environment.busy = False
                environment.lives = [life for life in environment.lives if _goes_on(life)]
                for life in environment.lives:
                    life.frozen = True
                done(invocation, response)

        def buried() -> None:
            self._retire(environment)
            end(FAILED)

        def out_of_time() -> None:
            if not invocation.over:
                world.log(invocation.name, "✗ runs into its time limit")
                invocation.timed_out = True
                world.kill(invocation)

        invocation.on_buried = buried
        world.spawn(run, invocation)
        world.at(context.ends_ms, out_of_time)

    def _retire(self, environment: Environment) -> None:
        environment.worker = None
        for life in tuple(environment.lives):
            if not life.dead:
                self._world.kill(life)
        environment.lives.clear()


def _goes_on(life: Life) -> bool:
    """Whether threads are left, besides the one that is ending."""
    return not life.dead and any(not task.dead and task is not getcurrent() for task in life.tasks)


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
        self._poll_soon()


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


class DirectInvocations:
    """Asynchronous invocations with an event itself: tried three times, then the raw event is a dead letter."""

    def __init__(
        self, world: World, function: Function, skews: Callable[[], int], dead_letters: Queue, watcher: Watcher
    ) -> None:
        self._world = world
        self._function = function
        self._skews = skews
        self._dead_letters = dead_letters
        self._watcher = watcher
        self._count = 0

    def invoke(self, event: dict[str, Any], body: str, facts: Facts, tries: int = 0) -> None:
        environment = self._function.idle()
        if environment is None:
            self._count += 1
            environment = Environment(f"direct-{self._count}", self._skews())
        self._world.log(environment.name, "is invoked with {}", facts.name)
        facts.since_ms = self._world.now_ms

        def done(invocation: Invocation, response: object) -> None:
            if response is not FAILED:
                self._watcher.acknowledged(facts, invocation)
                return
            self._watcher.failed(facts, invocation, "")
            if tries < len(_DIRECT_RETRIES_MS):
                again_ms = self._world.now_ms + _DIRECT_RETRIES_MS[tries]
                self._world.at(again_ms, lambda: self.invoke(event, body, facts, tries + 1))
            else:
                self._dead_letters.send(body, facts)

        self._function.invoke(environment, event, [], facts, done)


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
