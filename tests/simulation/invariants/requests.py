"""Promises 4 and 5 towards the vendor: the request limit, Retry-After, and the hold after 401 and 429."""

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

from tests.simulation.functions import Invocation, Worker
from tests.simulation.ledger import Ledger
from tests.simulation.recordings import Kind, Recording
from tests.simulation.world import Task, Violated, World

if TYPE_CHECKING:
    from tests.simulation.vendor_answers import Answer

_WINDOW_MS: Final = 60_000
_AN_ATTEMPT: Final = 4
"""Results, details, results again, and the details for an alert. An attempt that loses a write starts over."""
_HOLD_KNOWN_MS: Final = 8_000
"""Within this time a 429 has reached the worker and the shared schedule."""
_HOLD_AFTER_401_MS: Final = 59_000


@dataclass
class _Hold:
    """No worker may send between the two times, provided that the informed thread could record it.

    `informed` may not in any case: the worker whose thread got the answer.
    """

    known_ms: int
    until_ms: int
    task: Task
    informed: Worker | None = None

    def keeps(self, task: Task) -> bool:
        """Whether this thread may not send."""
        worker = cast(Invocation, task.life).environment.worker
        return self._recorded or (self.informed is worker and not task.delays)

    @property
    def _recorded(self) -> bool:
        task = self.task
        return not (task.life.dead or task.life.frozen or task.faults or task.delays or task.life.faults)


class RequestInvariants:
    def __init__(self, world: World, ledger: Ledger, limit: int) -> None:
        self._world = world
        self._ledger = ledger
        self._limit = limit
        self._departures: deque[int] = deque(maxlen=limit)
        self._holds: list[_Hold] = []

    def asks_about_recording(self, task: Task) -> None:
        """A request about a recording leaves a worker."""
        asked = task.notes["requests"] = task.notes.get("requests", 0) + 1
        if asked > _AN_ATTEMPT * (1 + task.notes.get("lost_writes", 0)):
            raise Violated(4, f"{task.life.name} sends {asked} requests for one recording")

    def departs(self, task: Task) -> None:
        """A request leaves a worker."""
        now_ms = self._world.now_ms
        self._ledger.requests_ms.append(now_ms)
        invocation = cast(Invocation, task.life)
        told_ms = [facts.retry_at_ms for facts in invocation.facts_of(task)[:1]]
        earliest_ms = max(task.notes.get("retry_at_ms", 0), *told_ms, 0)
        if now_ms < earliest_ms:
            early_ms = earliest_ms - now_ms
            raise Violated(5, f"{invocation.name} asks {early_ms} ms before the server's Retry-After is over")
        self._holds = [hold for hold in self._holds if hold.until_ms > now_ms]
        for hold in self._holds:
            if hold.known_ms < now_ms and hold.keeps(task):
                raise Violated(5, f"{invocation.name} asks {hold.until_ms - now_ms} ms before a hold ends")
        if len(self._departures) == self._limit and now_ms - self._departures[0] < _WINDOW_MS:
            raise Violated(4, f"{self._limit + 1} requests within {now_ms - self._departures[0]} ms")
        self._departures.append(now_ms)

    def answers(self, task: Task, answer: "Answer") -> None:
        """The vendor has answered a request; the answer has not reached the worker."""
        now_ms = self._world.now_ms
        task.notes["status"] = answer.status
        if answer.retry_after_s is not None:
            from_ms = now_ms // 1000 * 1000 if answer.retry_as_date else now_ms
            task.notes["retry_at_ms"] = from_ms + answer.retry_after_s * 1000
        if answer.status == 429:
            self._ledger.refused_429 += 1
            self._holds.append(_Hold(now_ms + _HOLD_KNOWN_MS, task.notes["retry_at_ms"], task))
        elif answer.status == 401:
            self._holds.append(_Hold(now_ms + _HOLD_KNOWN_MS, now_ms + _HOLD_AFTER_401_MS, task))

    def reached(self, task: Task) -> None:
        """The answer has reached the worker."""
        for hold in self._holds:
            if hold.task is task:
                hold.informed = cast(Invocation, task.life).environment.worker

    def answers_about(self, task: Task, recording: Recording, what: str, answer: "Answer") -> None:
        """What the worker learns about the recording, beside `answers`."""
        all_facts = cast(Invocation, task.life).facts_of(task)
        kind = recording.kind_at(self._world.now_ms)
        if answer.status == 200 and answer.state is not None:
            task.notes["told"] = True
        if answer.status == 404:
            for facts in all_facts:
                facts.not_found_ms = (*facts.not_found_ms, self._world.now_ms)
        elif answer.status == 200 and answer.state is None:
            for facts in all_facts:
                facts.unusable += 1
        elif answer.status == 200 and what == "results":
            task.notes["fetched"] = answer.state
            if kind is Kind.READY:
                task.notes["ready"] = answer.state
        elif answer.status == 200 and kind is Kind.FAILED:
            task.notes["analysis_failed"] = answer.state
        elif answer.status == 200 and kind is Kind.READY:
            for facts in all_facts:
                facts.said_evaluated = True
