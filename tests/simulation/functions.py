"""Lambda: execution environments, invocations, time limits."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Protocol

from greenlet import getcurrent

from runtime.batch import Group
from tests.simulation.faults import FaultPlan
from tests.simulation.queue import Facts, Message
from tests.simulation.world import Life, Task, World

TIMEOUT_MS: Final = 30_000


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
        self._receives = {message.message_id: message.receives for message in messages}
        self._sent_on: set[str] = set()
        self.direct = facts
        self.over = False
        self.timed_out = False
        self.on_buried: Callable[[], None] = lambda: None

    def shared_fault(self) -> None:
        """Every invocation with threads in this environment shares the worker's calls."""
        for life in {self, *self.environment.lives}:
            life.faults += 1

    def buried(self) -> None:
        self.on_buried()

    def end(self, response: object, done: "Done") -> None:
        """Once only. Lambda freezes the threads that are left."""
        if self.over:
            return
        self.over = True
        environment = self.environment
        environment.busy = False
        environment.lives = [life for life in environment.lives if _goes_on(life)]
        for life in environment.lives:
            life.frozen = True
        done(self, response)

    def facts_of(self, task: Task) -> list[Facts]:
        """The facts of a thread's work: the direct event, or one recording's messages, the newest first."""
        if self.direct:
            return [self.direct]
        group: Group[object] | None = task.notes.get("item")
        return [self.messages[message.message_id].facts for message in group.messages] if group else []

    def facts_behind(self, task: Task, body: str) -> tuple[Facts, int]:
        """The facts of the message whose copy a thread sends, and how many receives failed it if this one does.

        Of several with this body, the one that failed most often and was not sent on yet.
        """
        if self.direct:
            return self.direct, 1
        group: Group[object] | None = task.notes.get("item")
        at_work = group.messages[0] if group else task.notes.get("message")
        if at_work:
            message = self.messages[at_work.message_id]
        else:
            alike = [message for message in self.messages.values() if message.body.startswith(body)]
            unsent = [message for message in alike if message.message_id not in self._sent_on]
            message = max(unsent or alike, key=self.failures)
            self._sent_on.add(message.message_id)
        return message.facts, self.failures(message)

    def failures(self, message: Message) -> int:
        """How many receives failed the message and those it is a copy of, if this receive does."""
        return message.earlier_failures + self._receives[message.message_id]

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
        self.on_idle: Callable[[], None] = lambda: None

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
            invocation.faults += life.faults  # A thread of it may hold up a call that the new threads join.
        environment.lives.append(invocation)
        context = Context(world, world.now_ms + TIMEOUT_MS)

        def ended(invocation: Invocation, response: object) -> None:
            done(invocation, response)
            self.on_idle()

        def buried() -> None:
            self._retire(environment)
            invocation.end(FAILED, ended)

        invocation.on_buried = buried
        world.spawn(lambda: invocation.end(self._response(invocation, event, context), ended), invocation)
        world.at(context.ends_ms, lambda: self._end_of_time(invocation))

    def _response(self, invocation: Invocation, event: dict[str, Any], context: Context) -> object:
        environment = invocation.environment
        try:
            if environment.worker is None:
                environment.worker = self._make(environment)
            return environment.worker.handle(event, context)
        except Exception as error:  # noqa: BLE001 - as in Lambda: any error fails the invocation
            self._world.log(invocation.name, "ends with {!r}", error)
            return FAILED

    def _end_of_time(self, invocation: Invocation) -> None:
        if not invocation.over:
            self._world.log(invocation.name, "✗ runs into its time limit")
            invocation.timed_out = True
            self._world.kill(invocation)

    def _retire(self, environment: Environment) -> None:
        environment.worker = None
        for life in tuple(environment.lives):
            if not life.dead:
                self._world.kill(life)
        environment.lives.clear()


def _goes_on(life: Life) -> bool:
    """Whether threads are left, besides the one that is ending."""
    return not life.dead and any(not task.dead and task is not getcurrent() for task in life.tasks)
