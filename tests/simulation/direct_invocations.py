"""Lambda's asynchronous invocations: an event goes straight to a function, and after three failures to a queue."""

from collections.abc import Callable
from typing import Any, Final

from tests.simulation.functions import FAILED, Environment, Function, Invocation, Watcher
from tests.simulation.queue import Facts, Queue
from tests.simulation.world import World

_RETRIES_MS: Final = (60_000, 120_000)
"""Lambda tries an asynchronous invocation twice more, a minute and then two minutes later."""


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
            if tries < len(_RETRIES_MS):
                again_ms = self._world.now_ms + _RETRIES_MS[tries]
                self._world.at(again_ms, lambda: self.invoke(event, body, facts, tries + 1))
            else:
                self._dead_letters.send(body, facts)

        self._function.invoke(environment, event, [], facts, done)
