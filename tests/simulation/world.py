"""Virtual time, and threads that switch only where a seed says.

Each thread of the code under test is a greenlet, a `Task`. It runs until it calls something outside, sleeps or waits
for another; then the world goes on with the next moment of its agenda. One `Random` decides everything that is left to
chance, so a seed is a history and can be replayed.
"""

import heapq
from collections.abc import Callable
from random import Random
from typing import Any, Final, NoReturn, TypeVar, cast

from greenlet import GreenletExit, getcurrent, greenlet

from tests.simulation.story import Story

K = TypeVar("K")
V = TypeVar("V")

START_MS: Final = 1_795_338_000_000
"""2026-11-22 09:00 UTC, as epoch ms."""


class Crashed(GreenletExit):
    """The worker died here. Nothing that catches errors catches it, and its task ends silently."""


class Broken(BaseException):
    """An invariant does not hold. No `except Exception` of the code under test may swallow it."""

    def __init__(self, invariant: int, text: str) -> None:
        super().__init__(f"invariant {invariant}: {text}")
        self.invariant = invariant


class Life:
    """What can die as a whole: one invocation of a function, with its threads."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.tasks: list[Task] = []
        self.dead = False
        self.faults = 0
        """How often something outside failed, or held up, what its threads share."""
        self.frozen = False
        """Lambda stops an environment between two invocations, with whatever threads go on in it."""
        self.shelf: list[Task] = []
        """What would go on if it were not frozen."""

    def buried(self) -> None:
        """Called when all its tasks have ended by a crash."""


class Task(greenlet):
    """A thread of a life."""

    def __init__(self, run: Callable[[], object], hub: greenlet, life: Life) -> None:
        super().__init__(run, hub)
        self.life = life
        self.faults = 0
        """How often something outside failed it, which excuses it for failing a message."""
        self.delays = 0
        """How often it was held up, which excuses it for running out of time."""
        self.notes: dict[str, Any] = {}
        """What the simulated parts remember about this thread, for the invariants."""
        life.tasks.append(self)


def current() -> Task:
    return cast(Task, getcurrent())


class World:
    def __init__(self, seed: object, story: Story | None = None) -> None:
        self.random = Random(str(seed))
        self.now_ms = START_MS
        self.story = story
        self._agenda: list[tuple[int, int, Callable[[], object] | Task]] = []
        self._sequence = 0
        self._hub = getcurrent()

    # ── what happens when ──

    def at(self, when_ms: int, action: Callable[[], object]) -> None:
        """Have something done at a time, outside of any task."""
        self._enter(when_ms, action)

    def spawn(self, run: Callable[[], object], life: Life) -> Task:
        task = Task(run, self._hub, life)
        self._enter(self.now_ms, task)
        return task

    def run(self, until_ms: int) -> None:
        """Go on until nothing is left to do. Raises `Broken`, also where there is no end before `until_ms`."""
        agenda = self._agenda
        while agenda:
            when_ms, _, entry = heapq.heappop(agenda)
            if isinstance(entry, Task) and entry.dead:
                continue
            if when_ms > until_ms:
                raise Broken(1, "there is no end: messages still go round long after everything outside is well")
            self.now_ms = max(self.now_ms, when_ms)
            if isinstance(entry, Task):
                if entry.life.frozen:
                    entry.life.shelf.append(entry)
                else:
                    entry.switch()
            else:
                entry()

    def _enter(self, when_ms: int, entry: Callable[[], object] | Task) -> None:
        self._sequence += 1
        heapq.heappush(self._agenda, (when_ms, self._sequence, entry))

    def thaw(self, life: Life) -> None:
        life.frozen = False
        for task in life.shelf:
            self._enter(self.now_ms, task)
        life.shelf.clear()

    # ── called by tasks ──

    def pause(self, ms: int) -> None:
        """Let this much time pass, and others go on meanwhile."""
        self._enter(self.now_ms + ms, current())
        self._hub.switch()

    def wait(self) -> None:
        """Let others go on until one of them wakes this task."""
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
        life.dead = True
        for task in life.tasks:
            if task.dead or task is getcurrent():
                continue
            task.throw(Crashed)
        life.buried()

    # ── chance and story ──

    def chance(self, probability: float) -> bool:
        return probability > 0 and self.random.random() < probability

    def between(self, least: int, most: int) -> int:
        """A whole number, both ends included; cheaper than `randint`."""
        return least + int(self.random.random() * (most - least + 1))

    def tell(self, who: str, text: str, *parts: object) -> None:
        """Add a line to the story, if anybody listens."""
        if self.story is not None:
            self.story.add(self.now_ms - START_MS, who, text.format(*parts))
