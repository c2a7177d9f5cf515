"""The use case behind discovery: one run finds new recordings in the vendor's list and announces them.

A run looks at the newest recordings first, then at what earlier runs left. It takes only requests that evaluation does
not need. A run that has to stop stores the rest for the next run.

Recordings are announced, then marked. After a crash in between some are announced twice; evaluation judges them once.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Final

from domain.discovery.decision import Decision, Judged, decide
from domain.discovery.mark import Mark
from domain.discovery.ports import SENT_TOGETHER, DiscoveryMemory, EventSender, RecordingList, SpareBudget
from domain.discovery.recording_list import RecordingPage
from domain.discovery.state import DiscoveryState
from domain.discovery.walk import PageWalk
from domain.errors import AlertsError, Conflict, Contended, NotNow, NotTaken, OutOfTime, Unavailable, Unusable
from domain.hold import hold_on_refusal
from domain.ports import Clock
from domain.recording import RecordingId
from domain.triggers.source import Source

_PAGE_RESERVE_MS: Final = 15_000
"""The longest that one page takes: the request, looking up and announcing a hundred recordings, with their retries."""
_WRITES_TRIED: Final = 5


@dataclass(slots=True)
class Run:
    """The results of one run.

    `stopped`: why it left something for the next run. `behind`: something should have been done by now. `malformed`:
    items of the list without an id. `superseded`: another run ended first, so this one's state was dropped.
    """

    pages: int = 0
    announced: list[RecordingId] = field(default_factory=list)
    missed: list[RecordingId] = field(default_factory=list)
    malformed: int = 0
    stopped: AlertsError | None = None
    behind: bool = False
    superseded: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscoverRecordings:
    recordings: RecordingList
    memory: DiscoveryMemory
    queue: EventSender
    budget: SpareBudget
    now_ms: Clock
    lookback_ms: int

    def __call__(self, deadline_ms: int, history_ms: int | None = None) -> Run:
        """One run. With `history_ms`, it and the runs after it look back so far, also to before the first start."""
        running = _Running(self, self._begin(history_ms), deadline_ms)
        run = running.run
        try:
            running.look()
        except (NotNow, Unusable) as error:
            run.stopped = error
        left = running.remembered()
        run.behind = run.stopped is not None and left.is_behind(self.now_ms())
        try:
            self.memory.save(left)
        except Conflict:
            run.superseded = True
        return run

    def _begin(self, history_ms: int | None) -> DiscoveryState:
        """The state. The first start and a wish for history are stored before anything else is done."""
        for _ in range(_WRITES_TRIED):
            now_ms = self.now_ms()
            stored = self.memory.state()
            state = stored or DiscoveryState(started_ms=now_ms)
            if history_ms is not None:
                state = state.history_wanted(history_ms, now_ms)
            if state is stored:
                return state
            if stored:
                state = replace(state, revision=stored.revision + 1)
            try:
                self.memory.save(state)
            except Conflict:
                continue
            return state
        raise Contended("Other runs kept writing the state of discovery first.")


class _Running:
    """The state of one run."""

    def __init__(self, use_case: DiscoverRecordings, stored: DiscoveryState, deadline_ms: int) -> None:
        self.run = Run()
        self._use_case = use_case
        self._deadline_ms = deadline_ms
        self._state = stored.run_begun(use_case.now_ms(), use_case.lookback_ms)
        self._walk = PageWalk(self._fetch, self._state.spans, stored.order, stored.last_page)

    def look(self) -> None:
        if self._use_case.now_ms() < self._state.not_before_ms:
            raise Unavailable("The API asked for a pause that is not over.", self._state.not_before_ms)
        for page in self._walk.pages():
            self._work_off(page)

    def remembered(self) -> DiscoveryState:
        """The next revision of the state."""
        stopped = self.run.stopped
        retry_at_ms = stopped.retry_at_ms if isinstance(stopped, Unavailable) else None
        return replace(
            self._state,
            revision=self._state.revision + 1,
            spans=self._walk.spans,
            order=self._walk.order,
            last_page=self._walk.last_page,
            not_before_ms=retry_at_ms or 0,
        )

    def _fetch(self, number: int) -> RecordingPage:
        now_ms = self._use_case.now_ms
        self._use_case.recordings.prepare()
        if now_ms() > self._deadline_ms - _PAGE_RESERVE_MS:
            raise OutOfTime("Too little time was left for another page.")
        self._use_case.budget.take_spare()
        self.run.pages += 1
        with hold_on_refusal(self._use_case.budget, now_ms):
            page = self._use_case.recordings.page(number)
        self.run.malformed += page.malformed
        return page

    def _work_off(self, page: RecordingPage) -> None:
        """Announce and mark the recordings of a page that are not known yet."""
        wanted = {
            listed.recording: listed for listed in page.recordings if listed.completed and self._walk.wants(listed)
        }
        if not wanted:
            return
        traces = self._use_case.memory.look_up(wanted)
        for trace in traces.values():
            if isinstance(trace, Judged) and trace.by_another_trigger:
                latest_ms = max(self._state.other_trigger_ms, trace.evaluated_ms)
                self._state = replace(self._state, other_trigger_ms=latest_ms)
        now_ms = self._use_case.now_ms()
        decisions = {
            recording: decide(listed, traces.get(recording), self._state, now_ms)
            for recording, listed in wanted.items()
        }
        new = [recording for recording, decision in decisions.items() if decision is Decision.GIVE_TIME]
        if new:
            self._use_case.memory.mark(new, Mark.SEEN)
        self._announce(decisions)

    def _announce(self, decisions: dict[RecordingId, Decision]) -> None:
        due = [each for each, decision in decisions.items() if decision in {Decision.SEND, Decision.SEND_MISSED}]
        for some in _batched(due, SENT_TOGETHER):
            taken = self._use_case.queue.send_all(some, Source.DISCOVERY)
            self._use_case.memory.mark(taken, Mark.SENT)
            self.run.announced += taken
            self.run.missed += [each for each in taken if decisions[each] is Decision.SEND_MISSED]
            if len(taken) < len(some):
                raise NotTaken(f"The event queue refused {len(some) - len(taken)} of {len(some)} events.")


def _batched(items: Sequence[RecordingId], size: int) -> Iterator[list[RecordingId]]:
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch
