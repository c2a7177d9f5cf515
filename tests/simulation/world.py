"""Virtual time, and threads that switch only where the seed decides.

Each thread of the code under test is a greenlet, a `Task`. It runs until it calls something outside, sleeps or waits
for another task. Then the world runs the next entry of its agenda. One `Random` makes every random choice, so a seed
can be replayed.
"""

import heapq
from collections.abc import Callable
from random import Random
from typing import Any, Final, NoReturn, TypeVar, cast

from greenlet import GreenletExit, getcurrent, greenlet

from tests.simulation.trace import Trace

K = TypeVar("K")
V = TypeVar("V")

START_MS: Final = 1_795_338_000_000
"""2026-11-22 09:00 UTC, as epoch ms."""


class Crashed(GreenletExit):
    """The worker died here. Nothing that catches errors catches it, and its task ends silently."""


class Violated(BaseException):
    """An invariant does not hold. No `except Exception` of the code under test catches it."""

    def __init__(self, invariant: int, text: str) -> None:
        super().__init__(f"invariant {invariant}: {text}")
        self.invariant = invariant


class Life:
    """One invocation of a function with its threads, which die together."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.tasks: list[Task] = []
        self.dead = False
        self.faults = 0
        """How often a call that its threads share failed or was delayed."""
        self.frozen = False
        """Lambda freezes an environment between invocations, with its running threads."""
        self.frozen_tasks: list[Task] = []
        """Tasks that continue after the thaw."""

    def shared_fault(self) -> None:
        """A call that its threads share failed or was delayed."""
        self.faults += 1

    def buried(self) -> None:
        """Called when all its tasks have ended by a crash."""


class Task(greenlet):
    """A thread of a life."""

    def __init__(self, run: Callable[[], object], hub: greenlet, life: Life) -> None:
        super().__init__(run, hub)
        self.life = life
        self.faults = 0
        """How often a call failed, which excuses a failed message."""
        self.delays = 0
        """How often it was delayed, which excuses a time-out."""
        self.notes: dict[str, Any] = {}
        """Observations of the simulated parts about this thread, for the invariants."""
        life.tasks.append(self)


current: Final = cast(Callable[[], Task], getcurrent)
"""The task that calls it."""


class World:
    def __init__(self, seed: object, trace: Trace | None = None) -> None:
        self.random = Random(str(seed))
        self.now_ms = START_MS
        self.trace = trace
        self.interruptions = 0
        """How often a worker died, or a call of one failed, lost its answer, or was delayed."""
        self._agenda: list[tuple[int, int, Callable[[], object] | Task]] = []
        self._sequence = 0
        self._ends_ms = START_MS
        self._hub = getcurrent()

    # ── agenda ──

    def at(self, when_ms: int, action: Callable[[], object]) -> None:
        """Schedule an action that runs outside of any task."""
        self._enter(when_ms, action)

    def spawn(self, run: Callable[[], object], life: Life) -> Task:
        task = Task(run, self._hub, life)
        self._enter(self.now_ms, task)
        return task

    def run(self, until_ms: int) -> None:
        """Run the agenda until it is empty. Raises `Violated`, also if it is not empty at `until_ms`."""
        agenda, self._ends_ms = self._agenda, until_ms
        while agenda:
            when_ms, _, entry = heapq.heappop(agenda)
            if isinstance(entry, Task) and entry.dead:
                continue
            if when_ms > until_ms:
                raise Violated(1, "no end: messages still circulate long after all faults have ended")
            self.now_ms = max(self.now_ms, when_ms)
            if isinstance(entry, Task):
                if entry.life.frozen:
                    entry.life.frozen_tasks.append(entry)
                else:
                    entry.switch()
            else:
                entry()

    def _enter(self, when_ms: int, entry: Callable[[], object] | Task) -> None:
        self._sequence += 1
        heapq.heappush(self._agenda, (when_ms, self._sequence, entry))

    def thaw(self, life: Life) -> None:
        life.frozen = False
        for task in life.frozen_tasks:
            task.faults += 1  # It could record nothing while others took its lease for expired.
            self._enter(self.now_ms, task)
        life.frozen_tasks.clear()

    # ── called by tasks ──

    def pause(self, ms: int) -> None:
        """Sleep for `ms`; other tasks run."""
        until_ms = self.now_ms + ms
        task, agenda = current(), self._agenda
        if (not agenda or agenda[0][0] > until_ms) and until_ms <= self._ends_ms and not task.life.frozen:
            self.now_ms = until_ms  # nothing else happens before: this task would be next
            return
        self._sequence += 1
        heapq.heappush(agenda, (until_ms, self._sequence, task))
        self._hub.switch()

    def wait(self) -> None:
        """Suspend this task until another wakes it."""
        self._hub.switch()

    def wake(self, task: Task) -> None:
        self._enter(self.now_ms, task)

    def crash(self) -> NoReturn:
        """End the life of the current task, here and now."""
        life = current().life
        self.at(self.now_ms, lambda: self.kill(life))
        self._hub.switch()
        raise AssertionError("a task outlived its crash")

    def kill(self, life: Life) -> None:
        """End a life, outside of any task."""
        self.interruptions += 1
        life.dead = True
        for task in life.tasks:
            if task.dead or task is getcurrent():
                continue
            task.throw(Crashed)
        life.buried()

    # ── randomness and trace ──

    def chance(self, probability: float) -> bool:
        return probability > 0 and self.random.random() < probability

    def between(self, least: int, most: int) -> int:
        """A whole number, both ends included; cheaper than `randint`."""
        return least + int(self.random.random() * (most - least + 1))

    def log(self, actor: str, text: str, *parts: object) -> None:
        """Add a line to the trace, if there is one."""
        if self.trace is not None:
            self.trace.add(self.now_ms - START_MS, actor, text.format(*parts))
