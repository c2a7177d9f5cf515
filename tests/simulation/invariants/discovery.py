"""Promises of discovery: it finds every completed recording, announces none without need, and reports no false miss.

Its requests respect the shared budget (promise 4), every hold and Retry-After (promise 5).
"""

from array import array
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

from tests.simulation.functions import Invocation
from tests.simulation.invariants.observed import Observed
from tests.simulation.recordings import Kind
from tests.simulation.table import Item
from tests.simulation.world import Task, Violated, current

if TYPE_CHECKING:
    from domain.discovery.discover import Run
    from tests.simulation.discovery_plan import DiscoveryPlan
    from tests.simulation.recordings import Recording
    from tests.simulation.vendor_answers import Answer
    from tests.simulation.vendor_list import Listed

_COMPLETION_MS: Final = 20 * 60_000
"""A recording is listed up to this long after its creation, says the vendor."""
_BACK_MS: Final = 23 * 60_000
"""A run looks back so far beyond the beginning of the last one."""
_SLOT_LAPSES_MS: Final = 1_000
_MINUTE_MS: Final = 60_000
_CLOCKS_MS: Final = 1_000
_GIVEN_UP_FOR_MS: Final = 3_600_000
"""How long a mark counts beside an outcome without results."""
_LAG_MS: Final = 1_000
"""An eventually consistent read may miss a write of the last second."""


@dataclass(frozen=True)
class _Coverage:
    """From `opened_ms` on, discovery has to look at all that was created after `from_ms`."""

    opened_ms: int
    from_ms: int


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
        self._coverages: list[_Coverage] = []
        self._announced: dict[int, list[_Announced]] = defaultdict(list)
        self._history_from_ms: list[int] = []
        """From when on the operator has asked for recordings."""
        self._given_up_ms: dict[int, int] = {}
        self._judged_ms: dict[int, int] = {}
        self._alias_ms: dict[int, int] = {}
        """When its UUID was joined to its number."""
        self._pauses: list[tuple[int, int]] = []
        """When a run stored that the vendor asked for a pause, and until when."""
        self._open_spans = 0
        self._since_closed: list[_Coverage] = []
        """Of the runs since one that left no span."""
        self._hidden_shift = False
        observed.stored.table.on_write.append(self._wrote)

    # ── the list's requests ──

    def list_departs(self, task: Task) -> None:
        """A request for a page leaves."""
        now_ms = self._world.now_ms
        slot_ms = task.notes.pop("slot_ms", None)
        if slot_ms is None:
            raise Violated(4, f"{task.life.name} asks for a page without a slot of the budget")
        if now_ms - slot_ms > _SLOT_LAPSES_MS + _CLOCKS_MS // 10:
            raise Violated(4, f"{task.life.name} asks for a page {now_ms - slot_ms} ms after its slot")
        for stored_ms, until_ms in self._pauses:
            if task.notes["began_ms"] > stored_ms and now_ms < until_ms - _CLOCKS_MS:
                raise Violated(5, f"{task.life.name} asks {until_ms - now_ms} ms before the pause is over")

    def list_answers(self, task: Task, answer: "Answer") -> None:
        task.notes["asked_to_wait"] = answer.retry_after_s is not None

    # ── announcements ──

    def announces(self, task: Task, name: str) -> "Recording":
        """An event of discovery enters the queue."""
        recording, now_ms = self._observed.recording(name), self._world.now_ms
        number, looked_up_ms = recording.number, task.notes["looked_up_ms"]
        listed = self._plan.listed[number]
        if listed.dated and listed.created_ms < self._history_ends_ms() - _CLOCKS_MS:
            raise Violated(7, f"{task.life.name} announces recording {number}, which is history")
        held = self._ledger.held.get(number)
        given_up_ms = self._given_up_ms.get(number, 0)
        for earlier in self._announced[number]:
            if earlier.task is task and earlier.marked_ms is None:
                continue  # boto3 has repeated the call
            if earlier.marked_ms is None:
                needed = earlier.task.life.dead or earlier.task.faults or not cast(Invocation, earlier.task.life).over
            else:
                outdated = given_up_ms > 0 and looked_up_ms > earlier.marked_ms + _GIVEN_UP_FOR_MS - _CLOCKS_MS
                needed = looked_up_ms < earlier.marked_ms + _LAG_MS or given_up_ms > earlier.marked_ms or outdated
            if not needed and not self._expired(name):
                raise Violated(7, f"{task.life.name} announces recording {number} again without need")
        judged_ms = self._judged_ms.get(number, now_ms)
        if held and held.judged and judged_ms < looked_up_ms - _LAG_MS and self._joined(number, looked_up_ms):
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
            given_up = facts.sent_ms <= self._given_up_ms.get(number, 0)
            if facts.discovery or given_up or settled_ms > looked_up_ms - _LAG_MS:
                continue
            # If the event and the list name it differently, only an answer of the vendor joins the two names.
            if facts.by_uuid == self._plan.by_uuid or (told and self._joined(number, looked_up_ms)):
                return True
        return False

    def _joined(self, number: int, looked_up_ms: int) -> bool:
        """Whether what is stored under its number could be found under the name in the list."""
        return not self._plan.by_uuid or self._alias_ms.get(number, looked_up_ms) < looked_up_ms - _LAG_MS

    # ── what is stored ──

    def _wrote(self, before: Item | None, after: Item) -> None:
        match after["pk"]["S"].partition("#")[0], after["sk"]["S"]:
            case "DISCOVERY", _:
                self._state_written(before, after)
            case "BUDGET", _ if "began_ms" in current().notes:
                self._slot_taken(before or {}, after)
            case "MARK", _ if after["mark"]["S"] == "sent" and "began_ms" in current().notes:
                number = self._observed.recording(after["pk"]["S"].removeprefix("MARK#")).number
                for announced in self._announced[number]:
                    if announced.task is current():
                        announced.marked_ms = self._world.now_ms
            case "ALIAS", _:
                number = self._observed.recording(after["pk"]["S"].removeprefix("ALIAS#")).number
                self._alias_ms.setdefault(number, self._world.now_ms)
            case "RECORDING", "OUTCOME":
                number = self._observed.recording(after["pk"]["S"].removeprefix("RECORDING#")).number
                if after["status"]["S"] in {"not_found", "analysis_failed"}:
                    self._given_up_ms[number] = self._world.now_ms
                else:
                    self._judged_ms.setdefault(number, self._world.now_ms)

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

    def _state_written(self, before: Item | None, after: Item) -> None:
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
            return  # The run only begins.
        if task.notes.get("asked_to_wait"):
            self._pauses.append((now_ms, task.notes["retry_at_ms"]))
        self._run_ended(before, after, looked_ms)

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
                    since_ms < coverage.opened_ms and listed.created_ms > coverage.from_ms + _CLOCKS_MS
                    for coverage in self._coverages
                )
            ):
                yield listed

    def _due_since_ms(self, recording: "Recording") -> int | None:
        """Since when runs that look at the recording must announce it, if they do not know it."""
        since_ms = recording.results_since(self._world.now_ms)
        if since_ms is None or recording.number not in self._given_up_ms:
            return since_ms
        return max([since_ms, *(int(mark["marked_ms"]["N"]) + _GIVEN_UP_FOR_MS for mark in self._marks_of(recording))])

    def _history_ends_ms(self) -> int:
        """Recordings created before this are history that no operator has asked for."""
        started_ms = int(self._observed.stored.table.items["DISCOVERY", "STATE"]["started_ms"]["N"])
        return min(started_ms - _COMPLETION_MS, *self._history_from_ms, started_ms)

    def _has_trace(self, recording: "Recording") -> bool:
        items = self._observed.stored.table.items
        return any(
            (f"MARK#{name}", "DISCOVERED") in items or (f"RECORDING#{name}", "OUTCOME") in items
            for name in (recording.recording_id, recording.uuid)
        )

    def _expired(self, name: str) -> bool:
        mark = self._observed.stored.table.items.get((f"MARK#{name}", "DISCOVERED"))
        return mark is not None and int(mark["expires_at"]["N"]) * 1000 <= self._world.now_ms

    def failed(self, invocation: Invocation) -> None:
        """A run ended with an error, a crash, or at its time limit."""
        if not invocation.excuses(""):
            raise Violated(5, f"{invocation.name} failed though nothing outside failed")

    # ── rest ──

    @property
    def at_rest(self) -> bool:
        """Whether the next run has nothing to do but to look at what is new."""
        return not self._open_spans and not any(self._seen_only(listed.recording) for listed in self._required())

    def _seen_only(self, recording: "Recording") -> bool:
        """Whether it still has time to arrive by another trigger."""
        if recording.number in self._ledger.held:
            return False
        return all(mark["mark"]["S"] == "seen" for mark in self._marks_of(recording))

    def _marks_of(self, recording: "Recording") -> "list[Item]":
        items = self._observed.stored.table.items
        marks = [items.get((f"MARK#{name}", "DISCOVERED")) for name in (recording.recording_id, recording.uuid)]
        return [mark for mark in marks if mark is not None]

    def check_end(self) -> None:
        for listed in self._required():
            number = listed.recording.number
            held = self._ledger.held.get(number)
            if not (held and held.judged) and not self._observed.with_the_operator(number):
                raise Violated(7, f"recording {number} is completed and was never judged")


def _slots(item: Item) -> list[int]:
    slots = array("q")
    slots.frombytes(item["slots"]["B"] if item else b"")
    return list(slots)


def _number(item: Item, name: str) -> int | None:
    return int(item[name]["N"]) if name in item else None
