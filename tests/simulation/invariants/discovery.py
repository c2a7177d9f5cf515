"""Promises of discovery: it announces no recording without need, and reports no false miss.

Its requests respect the shared budget (promise 4), every hold and Retry-After (promise 5).
"""

from array import array
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

from tests.simulation.functions import Invocation
from tests.simulation.invariants.coverage import CoverageInvariants
from tests.simulation.invariants.discovery_facts import CLOCKS_MS, GIVEN_UP_FOR_MS, LAG_MS, DiscoveryFacts
from tests.simulation.invariants.observed import Observed
from tests.simulation.table import Item
from tests.simulation.world import Task, Violated, current

if TYPE_CHECKING:
    from domain.discovery.discover import Run
    from tests.simulation.discovery_plan import DiscoveryPlan
    from tests.simulation.recordings import Recording
    from tests.simulation.vendor_answers import Answer

_SLOT_LAPSES_MS: Final = 1_000
_MINUTE_MS: Final = 60_000


@dataclass
class _Announced:
    task: Task
    marked_ms: int | None = None


class DiscoveryInvariants:
    def __init__(self, observed: Observed, plan: "DiscoveryPlan", limit: int) -> None:
        self._world = observed.world
        self._observed = observed
        self._ledger = observed.ledger
        self._plan = plan
        self._limit = limit
        self._facts = DiscoveryFacts(observed)
        self.coverage = CoverageInvariants(observed, plan, self._facts)
        self._announced: dict[int, list[_Announced]] = defaultdict(list)
        self._pauses: list[tuple[int, int]] = []
        """When a run stored that the vendor asked for a pause, and until when."""
        observed.stored.table.on_write.append(self._wrote)

    # ── the list's requests ──

    def list_departs(self, task: Task) -> None:
        """A request for a page leaves."""
        now_ms = self._world.now_ms
        slot_ms = task.notes.pop("slot_ms", None)
        if slot_ms is None:
            raise Violated(4, f"{task.life.name} asks for a page without a slot of the budget")
        if now_ms - slot_ms > _SLOT_LAPSES_MS + CLOCKS_MS // 10:
            raise Violated(4, f"{task.life.name} asks for a page {now_ms - slot_ms} ms after its slot")
        for stored_ms, until_ms in self._pauses:
            if task.notes["began_ms"] > stored_ms and now_ms < until_ms - CLOCKS_MS:
                raise Violated(5, f"{task.life.name} asks {until_ms - now_ms} ms before the pause is over")

    def list_answers(self, task: Task, answer: "Answer") -> None:
        task.notes["asked_to_wait"] = answer.retry_after_s is not None

    # ── announcements ──

    def announces(self, task: Task, name: str) -> "Recording":
        """An event of discovery enters the queue."""
        recording, now_ms = self._observed.recording(name), self._world.now_ms
        number, looked_up_ms = recording.number, task.notes["looked_up_ms"]
        listed = self._plan.listed[number]
        if listed.dated and listed.created_ms < self.coverage.history_ends_ms - CLOCKS_MS:
            raise Violated(7, f"{task.life.name} announces recording {number}, which is history")
        held = self._ledger.held.get(number)
        given_up_ms = self._facts.given_up_ms.get(number, 0)
        for earlier in self._announced[number]:
            if earlier.task is task and earlier.marked_ms is None:
                continue  # boto3 has repeated the call
            if earlier.marked_ms is None:
                needed = earlier.task.life.dead or earlier.task.faults or not cast(Invocation, earlier.task.life).over
            else:
                outdated = given_up_ms > 0 and looked_up_ms > earlier.marked_ms + GIVEN_UP_FOR_MS - CLOCKS_MS
                needed = looked_up_ms < earlier.marked_ms + LAG_MS or given_up_ms > earlier.marked_ms or outdated
            if not needed and not self._expired(name):
                raise Violated(7, f"{task.life.name} announces recording {number} again without need")
        judged_ms = self._facts.judged_ms.get(number, now_ms)
        if held and held.judged and judged_ms < looked_up_ms - LAG_MS and self._joined(number, looked_up_ms):
            raise Violated(7, f"{task.life.name} announces recording {number}, which is judged")
        self._announced[number].append(_Announced(task))
        if self._was_answered(recording, looked_up_ms):
            task.notes.setdefault("answered", set()).add(number)
        return recording

    def reported(self, task: Task, run: "Run") -> None:
        """A run reports what other triggers missed."""
        for name in run.missed:
            recording = self._observed.recording(str(name))
            if recording.number in task.notes.get("answered", ()):
                raise Violated(
                    7, f"{task.life.name} reports recording {recording.number} as missed, but its event came"
                )

    def _was_answered(self, recording: "Recording", looked_up_ms: int) -> bool:
        """Whether a worker had settled another trigger's event, and discovery could see that it had."""
        number = recording.number
        held = self._ledger.held.get(number)
        if recording.broken or (held and not held.judged) or self._observed.with_the_operator(number):
            return False  # It was given up, or waits for an operator.
        for settled_ms, facts, told in self._ledger.settled[number]:
            given_up = facts.sent_ms <= self._facts.given_up_ms.get(number, 0)
            if facts.discovery or given_up or settled_ms > looked_up_ms - LAG_MS:
                continue
            # If the event and the list name it differently, only an answer of the vendor joins the two names.
            if facts.by_uuid == self._plan.by_uuid or (told and self._joined(number, looked_up_ms)):
                return True
        return False

    def _joined(self, number: int, looked_up_ms: int) -> bool:
        """Whether what is stored under its number could be found under the name in the list."""
        return not self._plan.by_uuid or self._facts.alias_ms.get(number, looked_up_ms) < looked_up_ms - LAG_MS

    # ── what is stored ──

    def _wrote(self, before: Item | None, after: Item) -> None:
        task, now_ms = current(), self._world.now_ms
        match after["pk"]["S"].partition("#")[0]:
            case "DISCOVERY":
                if self.coverage.state_written(before, after) and task.notes.get("asked_to_wait"):
                    self._pauses.append((now_ms, task.notes["retry_at_ms"]))
            case "BUDGET" if "began_ms" in task.notes:
                self._slot_taken(before or {}, after)
            case "MARK" if after["mark"]["S"] == "sent" and "began_ms" in task.notes:
                number = self._observed.recording(after["pk"]["S"].removeprefix("MARK#")).number
                for announced in self._announced[number]:
                    if announced.task is task:
                        announced.marked_ms = now_ms

    def _slot_taken(self, before: Item, after: Item) -> None:
        """A slot that discovery takes must be one that evaluation does not need."""
        slots, earlier = _slots(after), _slots(before)
        if not slots or slots == earlier:
            return  # It only sets a hold.
        asked_ms, task = slots[-1], current()
        task.notes["slot_ms"] = asked_ms - cast(Invocation, task.life).environment.skew_ms
        if before and int(before["held_until_ms"]["N"]) > asked_ms:
            raise Violated(5, f"{task.life.name} takes a slot during a hold")
        if before and int(before["line_ms"]["N"]) > asked_ms:
            raise Violated(4, f"{task.life.name} takes a slot for which an event stands in line")
        if sum(slot > asked_ms - _MINUTE_MS for slot in earlier) >= self._limit - self._limit // 4:
            raise Violated(4, f"{task.life.name} takes a slot of the quarter that is kept free")

    def _expired(self, name: str) -> bool:
        mark = self._observed.stored.table.items.get((f"MARK#{name}", "DISCOVERED"))
        return mark is not None and int(mark["expires_at"]["N"]) * 1000 <= self._world.now_ms

    def failed(self, invocation: Invocation) -> None:
        """A run ended with an error, a crash, or at its time limit."""
        if not invocation.excuses(""):
            raise Violated(5, f"{invocation.name} failed though nothing outside failed")


def _slots(item: Item) -> list[int]:
    slots = array("q")
    slots.frombytes(item["slots"]["B"] if item else b"")
    return list(slots)
