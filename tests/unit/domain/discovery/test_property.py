"""Whatever the list, the budget and the timer do, each completed recording is announced in the end, and only once."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from domain.discovery.mark import Mark, Marked
from domain.discovery.state import COMPLETION_MS
from domain.discovery.walk import OVERLAP_MS
from domain.errors import Throttled, Unavailable
from domain.triggers.source import Source
from tests.fakes.stage import Crash
from tests.unit.domain.discovery.world import DAY, HOUR, MINUTE, World


@dataclass(frozen=True)
class Step:
    """What happens until the next run, and during it."""

    pause_ms: int
    completed: int
    took_ms: int
    """The longest time that one of them took from its creation to its completion."""
    by_webhook: int
    removed: int
    requests: int
    trouble: str | None
    point: int
    """Where in the run the trouble is."""


STEPS = st.builds(
    Step,
    pause_ms=st.sampled_from([MINUTE, 5 * MINUTE, 5 * MINUTE, HOUR, 18 * HOUR, 23 * HOUR + 30 * MINUTE]),
    completed=st.integers(0, 240),
    took_ms=st.integers(0, COMPLETION_MS),
    by_webhook=st.integers(0, 30),
    removed=st.integers(0, 120),
    requests=st.integers(0, 6),
    trouble=st.sampled_from([None, None, None, "crash", "unavailable", "throttled", "removal"]),
    point=st.integers(0, 24),
)
SENT = Marked(Mark.SENT, 0)


class Account:
    """A world to which things happen. `alive` are the recordings that were completed and not removed."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.alive: list[int] = []
        self._number = 0

    def happens(self, step: Step) -> None:
        world = self.world
        world.clock.advance(step.pause_ms)
        fresh = [self._completed(step, place) for place in range(step.completed)]
        world.judged(*fresh[: step.by_webhook], source=Source.WEBHOOK)
        self._remove(step.removed)
        world.list.raises = {}
        world.stage.passed.clear()
        self._trouble(step)
        with suppress(Crash):
            world.run(left=step.requests, after_ms=0)
        world.stage.forget()
        if step.trouble == "crash":  # Lambda tries again
            world.list.raises = {}
            world.run(left=step.requests, after_ms=MINUTE)

    def comes_to_rest(self) -> None:
        """Runs without trouble, until one that left nothing has found nothing."""
        self.world.list.raises = {}
        for _ in range(20):
            run = self.world.run()
            waiting = {each for each in self.alive if self.world.memory.marks.get(each, SENT).mark is Mark.SEEN}
            if not (run.stopped or run.announced or waiting - self.world.memory.outcomes.keys()):
                return
        pytest.fail("discovery does not come to rest")

    def _completed(self, step: Step, place: int) -> int:
        """One of the recordings completed since the last run, in the order of their completion."""
        self._number += 1
        completed_ms = self.world.clock() - step.pause_ms * (step.completed - 1 - place) // step.completed
        self.world.list.add(self._number, completed_ms - step.took_ms * (place % 7) // 6)
        self.alive.append(self._number)
        return self._number

    def _remove(self, count: int) -> None:
        """Of those met already and of those still to be met."""
        if self.world.list.disorder_ms:
            return  # The times on a page do not show whether a recording has moved.
        for recording in self.alive[-1 : -2 * count : -2]:
            self.alive.remove(recording)
            self.world.list.remove(recording)

    def _trouble(self, step: Step) -> None:
        removal: Callable[[], None] = partial(self._remove, step.removed)
        match step.trouble:
            case "crash":
                self.world.stage.crash_at(step.point)
            case "removal":
                self.world.stage.at(step.point, removal)
            case "unavailable":
                self.world.list.raises = {step.point % 4 + 1: Unavailable("500.")}
            case "throttled":
                self.world.list.raises = {step.point % 4 + 1: Throttled("429.")}


@settings(max_examples=150, deadline=None)
@given(
    steps=st.lists(STEPS, min_size=3, max_size=12),
    newest_first=st.booleans(),
    disorder_ms=st.sampled_from([0, 0, OVERLAP_MS]),
    lookback_days=st.sampled_from([1, 30]),  # with 30 the whole lookback is hardly ever looked at
    history_step=st.integers(0, 50),
)
def test_every_completed_recording_is_announced_in_the_end_and_once(
    steps: list[Step], newest_first: bool, disorder_ms: int, lookback_days: int, history_step: int
) -> None:
    world = World(newest_first=newest_first, disorder_ms=disorder_ms, lookback_ms=lookback_days * DAY).old(650)
    world.run()
    account = Account(world)
    for number, step in enumerate(steps):
        account.happens(step)
        if number == history_step:
            world.run(left=step.requests, history_ms=60 * DAY)
    account.comes_to_rest()

    assert {*account.alive} <= world.sent | {*map(int, world.memory.outcomes)}
    if history_step < len(steps):
        assert {*range(1_000_000 - 649, 1_000_001)} <= world.sent
    crashed = any(step.trouble == "crash" for step in steps)
    event(f"crashed: {crashed}")
    assert crashed or len(world.sender.sent) == len(world.sent)
