"""The timer of discovery, and the operator who asks it for history. Lambda tries a failed run twice more."""

from collections.abc import Callable
from functools import partial
from typing import Any, Final

from tests.simulation.discovery_plan import DiscoveryPlan
from tests.simulation.functions import FAILED, Environment, Function, Invocation
from tests.simulation.invariants.discovery import DiscoveryInvariants
from tests.simulation.world import Violated, World

_RETRIES_MS: Final = (60_000, 120_000)
_JITTER_MS: Final = 2_000
_SETTLED_MS: Final = 25 * 60_000
"""The lookback must exceed the time between two runs by 23 minutes. A skipped run may not use that up."""
_AFTER_A_SWEEP_IS_DUE_MS: Final = 60_000
_MOST_RUNS_AT_REST: Final = 60


class Timer:
    """Runs discovery until it has nothing left to do, and looked at its whole lookback once more."""

    def __init__(
        self,
        world: World,
        plan: DiscoveryPlan,
        function: Function,
        skews: Callable[[], int],
        invariants: DiscoveryInvariants,
    ) -> None:
        self._world = world
        self._plan = plan
        self._function = function
        self._skews = skews
        self._invariants = invariants
        self._count = 0
        self._runs_at_rest = 0
        self._complete_since_ms = 0
        self._begun_ms = plan.first_ms
        """When the last run began that has ended."""
        """When the last run began that did all it had to do."""
        self._sweep_ms: int | None = None
        """When the last sweep was due at the latest, once everything else was at rest."""

    def start(self) -> None:
        self._world.at(self._plan.first_ms, self._tick)
        for at_ms, hours in self._plan.histories:
            self._world.at(at_ms, partial(self._run, {"history_hours": hours}, len(_RETRIES_MS)))

    def _tick(self) -> None:
        world, plan = self._world, self._plan
        next_ms = world.now_ms + plan.every_ms + world.between(0, _JITTER_MS)
        if world.now_ms < plan.rest_ms:
            in_time = next_ms < self._begun_ms + plan.lookback_ms - _SETTLED_MS
            if not (in_time and world.chance(plan.skipped)):
                self._run({})
            if world.chance(plan.doubled):
                world.at(world.now_ms + world.between(0, 20_000), partial(self._run, {}))
        elif self._at_rest():
            if self._sweep_ms is not None:
                return
            self._sweep_ms = max(next_ms, world.now_ms + plan.lookback_ms // 2 + _AFTER_A_SWEEP_IS_DUE_MS)
            next_ms = self._sweep_ms
        else:
            self._runs_at_rest += 1
            if self._runs_at_rest > _MOST_RUNS_AT_REST:
                raise Violated(7, "discovery does not come to rest")
            self._run({})
        world.at(next_ms, self._tick)

    def _at_rest(self) -> bool:
        return self._complete_since_ms >= (self._sweep_ms or self._plan.rest_ms) and self._invariants.coverage.at_rest

    def _run(self, event: dict[str, Any], tries: int = 0) -> None:
        world = self._world
        environment = self._function.idle()
        if environment is None:
            self._count += 1
            environment = Environment(f"discover-more-{self._count}", self._skews())
        began_ms = world.now_ms
        world.log(environment.name, "is invoked with {}", event)

        def done(invocation: Invocation, response: object) -> None:
            if response is FAILED:
                self._invariants.failed(invocation)
                if tries < len(_RETRIES_MS):
                    world.at(world.now_ms + _RETRIES_MS[tries], partial(self._run, event, tries + 1))
                return
            self._begun_ms = max(self._begun_ms, began_ms)
            world.log(invocation.name, "ends: {}", response)
            if isinstance(response, dict) and response["result"] == "complete" and not response["discovered"]:
                self._complete_since_ms = began_ms

        self._function.invoke(environment, event, [], None, done)
