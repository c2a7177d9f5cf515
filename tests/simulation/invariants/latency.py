"""Latency at rest: where nothing fails and requests are free, an alert follows its event soon."""

from collections.abc import Sequence
from typing import Final, cast

from tests.simulation.functions import Invocation
from tests.simulation.invariants.observed import Observed
from tests.simulation.recordings import Kind
from tests.simulation.world import Task, Violated

_PUBLISHED_MS: Final = 20_000
"""The work, and one wait of up to 15 s for another worker."""
_DELIVERED_MS: Final = 45_000
"""After it is published. Slack takes one message a second, and says how long to wait."""


class LatencyInvariants:
    """Holds only where all is `calm`."""

    def __init__(self, observed: Observed, destinations: Sequence[str], *, calm: bool) -> None:
        self._observed = observed
        self._destinations = destinations
        self._calm = calm

    def check_end(self) -> None:
        ledger = self._observed.ledger
        if not self._calm:
            return
        for alert_id, (first, *_) in ledger.published.items():
            caused_ms = self._caused_ms(first.task, first.at_ms)
            if caused_ms and first.at_ms - caused_ms > _PUBLISHED_MS:
                raise Violated(5, f"alert {alert_id[:6]} came {(first.at_ms - caused_ms) / 1000:.0f} s after its event")
            for destination in self._destinations:
                taken = ledger.delivered[destination][alert_id]
                late_ms = taken[0].at_ms - first.at_ms if taken else 0
                if late_ms > _DELIVERED_MS:
                    raise Violated(5, f"alert {alert_id[:6]} came to {destination} {late_ms / 1000:.0f} s late")

    def _caused_ms(self, task: Task, at_ms: int) -> int | None:
        """When the event was sent that its publication answers, if results were ready all the time since."""
        facts = cast(Invocation, task.life).facts_of(task)[0]
        if facts.recording is None:
            return None
        recording = self._observed.recordings[facts.recording]
        first = recording.index_at(facts.sent_ms)
        since = recording.states[max(0, first) : recording.index_at(at_ms) + 1]
        return facts.sent_ms if first >= 0 and all(state.kind is Kind.READY for state in since) else None
