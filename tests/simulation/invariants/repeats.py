"""Promise 3: every repeat that a worker can know of is counted, and nothing else is."""

from collections.abc import Iterable

from tests.simulation.ledger import Ledger, Sent
from tests.simulation.world import Violated, World


class RepeatInvariants:
    def __init__(self, world: World, ledger: Ledger) -> None:
        self._world = world
        self._ledger = ledger

    def check_end(self) -> None:
        ledger = self._ledger
        self._check(("AlertsRepeated",), ledger.published.values())
        for destination, deliveries in ledger.delivered.items():
            self._check(("NotificationsRepeated", destination), deliveries.values())

    def _check(self, metric: tuple[str, ...], every: Iterable[list[Sent]]) -> None:
        """A sender that is stopped, or whose record fails, cannot count. Without any interruption there is no repeat.

        An alert whose worker failed before the send counts too: its successor cannot tell.
        """
        known = sum(1 for sent in every for repeat in sent[1:] if not (repeat.unknown or repeat.late))
        counted = self._ledger.metrics.get(metric, 0)
        if counted < known:
            raise Violated(3, f"{known} repeats, but {metric} counts {counted:.0f}")
        if counted and not self._world.interruptions:
            raise Violated(3, f"{metric} counts {counted:.0f}, but nothing was interrupted")
