"""Promise 7: discovery finds every completed recording that its runs have to look at."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tests.simulation.invariants.discovery_facts import CLOCKS_MS, GIVEN_UP_FOR_MS, DiscoveryFacts
from tests.simulation.invariants.observed import Observed
from tests.simulation.recordings import Kind
from tests.simulation.table import Item
from tests.simulation.world import Violated, current

if TYPE_CHECKING:
    from tests.simulation.discovery_plan import DiscoveryPlan
    from tests.simulation.recordings import Recording
    from tests.simulation.vendor_list import Listed

_COMPLETION_MS: Final = 20 * 60_000
"""A recording is listed up to this long after its creation, says the vendor."""
_BACK_MS: Final = 23 * 60_000
"""A run looks back so far beyond the beginning of the last one."""


@dataclass(frozen=True)
class _Coverage:
    """From `opened_ms` on, discovery has to look at all that was created after `from_ms`."""

    opened_ms: int
    from_ms: int


class CoverageInvariants:
    def __init__(self, observed: Observed, plan: "DiscoveryPlan", facts: DiscoveryFacts) -> None:
        self._world = observed.world
        self._observed = observed
        self._plan = plan
        self._facts = facts
        self._coverages: list[_Coverage] = []
        self._history_from_ms: list[int] = []
        """From when on the operator has asked for recordings."""
        self._open_spans = 0
        self._since_closed: list[_Coverage] = []
        """Of the runs since one that left no span."""
        self._hidden_shift = False

    @property
    def history_ends_ms(self) -> int:
        """Recordings created before this are history that no operator has asked for."""
        started_ms = int(self._observed.stored.table.items["DISCOVERY", "STATE"]["started_ms"]["N"])
        return min(started_ms - _COMPLETION_MS, *self._history_from_ms, started_ms)

    def state_written(self, before: Item | None, after: Item) -> bool:
        """Discovery's state was written. Returns whether a run has ended with it."""
        revision, earlier = int(after["revision"]["N"]), int(before["revision"]["N"]) if before else 0
        if revision != earlier + 1:
            raise Violated(6, f"a stale write: revision {revision} of discovery's state replaces {earlier}")
        task, now_ms = current(), self._world.now_ms
        hours = task.notes["event"].get("history_hours")
        if hours is not None and "history" not in task.notes:
            task.notes["history"] = _Coverage(task.notes["began_ms"], now_ms - hours * 3_600_000)
            self._since_closed.append(task.notes["history"])
            self._history_from_ms.append(task.notes["began_ms"] - hours * 3_600_000)
        looked_ms = _number(after, "looked_ms")
        if looked_ms is None or (before and looked_ms == _number(before, "looked_ms")):
            return False  # The run only begins.
        self._run_ended(before, after, looked_ms)
        return True

    @property
    def at_rest(self) -> bool:
        """Whether the next run has nothing to do but to look at what is new."""
        return not self._open_spans and not any(self._seen_only(listed.recording) for listed in self._required())

    def check_end(self) -> None:
        for listed in self._required():
            number = listed.recording.number
            held = self._observed.ledger.held.get(number)
            if not (held and held.judged) and not self._observed.with_the_operator(number):
                raise Violated(7, f"recording {number} is completed and was never judged")

    def _run_ended(self, before: Item | None, after: Item, looked_ms: int) -> None:
        """A run has stored its end. Where it left no span, nothing that it had to look at may be without a trace."""
        last_ms = _number(before, "looked_ms") if before else None
        started_ms, half_ms = int(after["started_ms"]["N"]), self._plan.lookback_ms // 2
        earliest_ms = max(started_ms - _COMPLETION_MS, looked_ms - self._plan.lookback_ms)
        began_ms = current().notes["began_ms"]
        self._since_closed.append(_Coverage(began_ms, max(earliest_ms, (last_ms or 0) - _BACK_MS)))
        if ((last_ms or 0) - started_ms) // half_ms < (looked_ms - started_ms) // half_ms:
            self._since_closed.append(_Coverage(began_ms, earliest_ms))
        self._hidden_shift = self._hidden_shift or self._shifted_unseen(began_ms)
        self._open_spans = len(after["spans"]["L"])
        if self._open_spans:
            return
        if not self._hidden_shift:
            self._coverages += self._since_closed
        self._since_closed, self._hidden_shift = [], False
        for listed in self._required():
            if not self._has_trace(listed.recording):
                raise Violated(7, f"recording {listed.recording.number} was passed over by {current().life.name}")

    def _shifted_unseen(self, began_ms: int) -> bool:
        """Whether the list moved against the walk since then in a way that no count shows: a later sweep must find it.

        One recording left and another joined; or one joined a list that has the oldest first.
        """
        hidden = {Kind.ABSENT} if self._plan.filter_ignored else {Kind.ABSENT, Kind.PENDING, Kind.FAILED}
        now_ms = self._world.now_ms
        kinds = [(each.recording.kind_at(began_ms), each.recording.kind_at(now_ms)) for each in self._plan.listed]
        joined = any(before in hidden and after not in hidden for before, after in kinds)
        left = any(before not in hidden and after in hidden for before, after in kinds)
        return joined and (left or not self._plan.newest_first)

    def _required(self) -> "Iterator[Listed]":
        """Completed recordings that runs had to look at since they are completed."""
        for listed in self._plan.listed:
            since_ms = self._due_since_ms(listed.recording)
            if (
                since_ms is not None
                and listed.named
                and any(
                    since_ms < coverage.opened_ms and listed.created_ms > coverage.from_ms + CLOCKS_MS
                    for coverage in self._coverages
                )
            ):
                yield listed

    def _due_since_ms(self, recording: "Recording") -> int | None:
        """Since when runs that look at the recording must announce it, if they do not know it."""
        since_ms = recording.results_since(self._world.now_ms)
        if since_ms is None or recording.number not in self._facts.given_up_ms:
            return since_ms
        marked_ms = [int(mark["marked_ms"]["N"]) for mark in self._facts.marks_of(recording)]
        return max([since_ms, *(at_ms + GIVEN_UP_FOR_MS for at_ms in marked_ms)])

    def _has_trace(self, recording: "Recording") -> bool:
        items = self._observed.stored.table.items
        return any(
            (f"MARK#{name}", "DISCOVERED") in items or (f"RECORDING#{name}", "OUTCOME") in items
            for name in (recording.recording_id, recording.uuid)
        )

    def _seen_only(self, recording: "Recording") -> bool:
        """Whether it still has time to arrive by another trigger."""
        if recording.number in self._observed.ledger.held:
            return False
        return all(mark["mark"]["S"] == "seen" for mark in self._facts.marks_of(recording))


def _number(item: Item, name: str) -> int | None:
    return int(item[name]["N"]) if name in item else None
