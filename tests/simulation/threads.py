"""Substitutes for `threading` and `ThreadPoolExecutor`, which switch between the simulated world's tasks.

The adapters' code runs unchanged. Only blocking calls are replaced, since a real one would stop the whole world.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from types import SimpleNamespace, TracebackType
from typing import Any, Final
from unittest.mock import patch

from tests.simulation.world import Task, World, current

_MODULES: Final = ("adapters.batching", "adapters.parameters", "adapters.dynamodb.request_budget")


class TurnLock:
    """`threading.Lock`: a task that waits for it lets other tasks run. Any task may release it."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._taken = False
        self._waiting: list[Task] = []

    def acquire(self) -> bool:
        while self._taken:
            self._waiting.append(current())
            self._world.wait()
        self._taken = True
        return True

    def release(self) -> None:
        self._taken = False
        if self._waiting:
            self._world.wake(self._waiting.pop(0))

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.release()


class TurnCondition(TurnLock):
    """The part of `threading.Condition` that the adapters use."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._listeners: list[Task] = []

    def wait_for(self, predicate: Callable[[], bool], timeout: float) -> bool:
        world, task = self._world, current()
        ends_ms = world.now_ms + round(timeout * 1000)
        world.at(ends_ms, lambda: self._wake(task))
        while not (holds := predicate()) and world.now_ms < ends_ms:
            self._listeners.append(task)
            self.release()
            world.wait()
            self.acquire()
        return holds

    def notify_all(self) -> None:
        for task in tuple(self._listeners):
            self._wake(task)

    def _wake(self, task: Task) -> None:
        if task in self._listeners:
            self._listeners.remove(task)
            self._world.wake(task)


class TurnPool:
    """`ThreadPoolExecutor.map`: up to `size` tasks at the same time. A timeout cancels the items not yet started."""

    def __init__(self, world: World, size: int) -> None:
        self._world = world
        self._idle = size
        self._queue: list[Callable[[], object]] = []

    def map(
        self, function: Callable[[int, Any], Any], places: Iterable[int], items: Iterable[Any], timeout: float | None
    ) -> list[Any]:
        world, asking = self._world, current()
        every = list(items)
        results: list[Any] = [None] * len(every)
        errors: list[Exception] = []
        left = len(every)
        waiting = True

        def run(place: int) -> None:
            nonlocal left
            current().notes["item"] = every[place]
            try:
                results[place] = function(place, every[place])
            except Exception as error:  # noqa: BLE001 - raised again in the calling task
                errors.append(error)
            left -= 1
            if not left and waiting:
                world.wake(asking)
            self._go_on()

        def out_of_time() -> None:
            if left and waiting and not asking.life.dead:
                world.wake(asking)

        for place in places:
            self._queue.append(partial(world.spawn, partial(run, place), asking.life))
        for _ in range(min(self._idle, len(every))):
            self._idle -= 1
            self._queue.pop(0)()
        if every:
            if timeout is not None:
                world.at(world.now_ms + round(timeout * 1000), out_of_time)
            world.wait()
            waiting = False
        if errors:
            raise errors[0]
        if left:
            self._queue.clear()
            raise TimeoutError
        return results

    def _go_on(self) -> None:
        if self._queue:
            self._queue.pop(0)()
        else:
            self._idle += 1


@contextmanager
def in_place_of_threads(world: World) -> Iterator[None]:
    threading = SimpleNamespace(Lock=lambda: TurnLock(world), Condition=lambda: TurnCondition(world))
    with ExitStack() as stack:
        for module in _MODULES:
            stack.enter_context(patch(f"{module}.threading", threading))
        stack.enter_context(patch("adapters.batching.ThreadPoolExecutor", lambda size: TurnPool(world, size)))
        yield
