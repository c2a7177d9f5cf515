"""IdentityCall: its answers as time passes, every fault, its request limit."""

import json
import math
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import requests

from tests.simulation.faults import CallFault, Outside, alive
from tests.simulation.invariants.requests import RequestInvariants
from tests.simulation.recordings import LENGTH_MS, Kind, Recording
from tests.simulation.vendor_answers import DOWN, ODD, Answer, error_body, failure, spoilt, spoilt_page
from tests.simulation.vendor_list import VendorList
from tests.simulation.world import Task

if TYPE_CHECKING:
    from tests.simulation.scenario import Scenario

API_KEY: Final = "idc_SECRET0123456789abcdefghijklmnop"[:36]
BASE_URL: Final = "https://api.identitycall.invalid/api/v1/public"
WINDOW_MS: Final = 60_000
_LONG_MS: Final = 900_000


@dataclass(frozen=True)
class Outage:
    from_ms: int
    until_ms: int
    fault: str
    """One of `DOWN`, or "401", "403"."""


class Vendor:
    """Its limit is on requests as they arrive."""

    def __init__(
        self,
        outside: Outside,
        scenario: "Scenario",
        on_haste: Callable[[Recording, int], None],
        invariants: RequestInvariants,
        listing: VendorList | None = None,
    ) -> None:
        self._outside = outside
        self._world = outside.world
        self._by_name = {str(recording.recording_id): recording for recording in scenario.recordings}
        self._by_name |= {recording.uuid: recording for recording in scenario.recordings}
        self._limit = scenario.vendor_limit
        self._outages = scenario.outages
        self._fault_rate = scenario.vendor_faults
        self._longest_answer_ms = 4_990 if scenario.slow_vendor else 900
        self._on_haste = on_haste
        self._invariants = invariants
        self._listing = listing
        self._accepted: deque[int] = deque()

    def request(self, path: str, headers: Mapping[str, str | bytes]) -> Answer:
        """One request about a recording, from its departure to the arrival of the answer."""
        name, _, what = path.partition("/")
        recording = self._by_name[name]

        def content(fault: str | None) -> Answer:
            return self._about(recording, name, what, fault)

        def answered(task: Task, answer: Answer) -> None:
            self._invariants.answers_about(task, recording, what or "details", answer)
            if answer.state is not None and what:
                self._read(recording)

        self._invariants.asks_about_recording(alive())
        return self._exchange(path, headers, content, answered)

    def request_page(self, query: str, headers: Mapping[str, str | bytes]) -> Answer:
        """One request for a page of the list."""
        listing = self._listing
        assert listing is not None, "no discovery takes part"

        def content(fault: str | None) -> Answer:
            answer = listing.page(query)
            return spoilt_page(answer, fault) if fault and answer.status == requests.codes.ok else answer

        listing.departs(alive())
        return self._exchange(f"?{query}", headers, content, listing.answered)

    def _exchange(
        self,
        path: str,
        headers: Mapping[str, str | bytes],
        content: Callable[[str | None], Answer],
        answered: Callable[[Task, Answer], None],
    ) -> Answer:
        world = self._world
        task = alive()
        self._invariants.departs(task)
        call_fault = self._outside.fault_plan.draw(world)
        if call_fault is CallFault.DELAYED:
            call_fault = None  # the network's delay is part of the answer time, below
        self._outside.before(task, call_fault, f"GET {path}")
        answer = self._arrive(headers, content)
        world.log(task.life.name, "  GET {}: {}", path, answer.error.__name__ if answer.error else answer.status)
        self._invariants.answers(task, answer)
        answered(task, answer)
        world.pause(answer.wait_ms or world.between(20, self._longest_answer_ms))
        self._outside.after(task, call_fault, f"GET {path}")
        self._invariants.reached(task)
        return answer

    def _read(self, recording: Recording) -> None:
        """The next analysis may be ready right after the read."""
        at_ms = self._world.now_ms + self._world.between(1, 15 if self._world.chance(0.5) else 400)
        index = recording.hasten(self._world.now_ms, at_ms)
        if index is not None:
            self._world.at(at_ms, lambda: self._on_haste(recording, index))

    def _arrive(self, headers: Mapping[str, str | bytes], content: Callable[[str | None], Answer]) -> Answer:
        world = self._world
        outage = next((o for o in self._outages if o.from_ms <= world.now_ms < o.until_ms), None)
        fault = outage.fault if outage else None
        if fault is None and world.now_ms < self._outside.fault_plan.faults_end_ms and world.chance(self._fault_rate):
            fault = world.random.choice((*DOWN, *ODD))
        if fault in {"unreachable", "refused"}:
            return failure(fault)
        if headers.get("Authorization") != f"Bearer {API_KEY}" or fault == "401":
            return Answer(401, error_body("Unauthorized"))
        if fault == "403":
            return Answer(403, error_body("Read permission required"))
        if throttled := self._over_the_limit():
            return throttled
        if fault in DOWN:
            takes_hours = outage and outage.until_ms - outage.from_ms > _LONG_MS
            return failure(fault, world.between(300, 4_000) if takes_hours else world.between(1, 90))
        return content(fault)

    def _about(self, recording: Recording, name: str, what: str, fault: str | None) -> Answer:
        answer = self._results(recording) if what else self._details(recording)
        if recording.broken and what:
            fault = recording.broken
        if fault == "another id" and name == recording.uuid:
            return answer  # not detectable: the answer is right
        return spoilt(answer, fault, recording) if fault and answer.status == requests.codes.ok else answer

    def _over_the_limit(self) -> Answer | None:
        now_ms = self._world.now_ms
        while self._accepted and self._accepted[0] <= now_ms - WINDOW_MS:
            self._accepted.popleft()
        if len(self._accepted) < self._limit:
            self._accepted.append(now_ms)
            return None
        wait_s = math.ceil((self._accepted[0] + WINDOW_MS - now_ms) / 1000) + self._world.between(0, 5)
        return Answer(429, error_body("Rate limit exceeded"), wait_s, retry_as_date=self._world.chance(0.2))

    def _results(self, recording: Recording) -> Answer:
        index = recording.index_at(self._world.now_ms)
        match recording.kind_at(self._world.now_ms):
            case Kind.ABSENT:
                return Answer(404, error_body("Resource not found"), state=index)
            case Kind.PENDING | Kind.FAILED:
                return Answer(422, json.dumps({"errors": ["Transcription not available"]}).encode(), state=index)
            case Kind.GOALS_PENDING | Kind.READY:
                return Answer(200, recording.body(index), state=index)

    def _details(self, recording: Recording) -> Answer:
        index, kind = recording.index_at(self._world.now_ms), recording.kind_at(self._world.now_ms)
        if kind is Kind.ABSENT:
            return Answer(404, error_body("Resource not found"), state=index)
        status = {Kind.PENDING: "processing", Kind.FAILED: "failed"}.get(kind, "completed")
        details = {
            "id": recording.recording_id,
            "name": f"Call {recording.number}",
            "status": status,
            "duration_ms": LENGTH_MS,
            "created_at": "2026-11-22T08:59:00Z",
            "goals_evaluated": kind is Kind.READY,
            "language": recording.language,
        }
        return Answer(200, json.dumps({"data": details}).encode(), state=index)
