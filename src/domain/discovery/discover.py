"""The use case behind discovery: walk the vendor's list of completed recordings, announce those nobody knows.

The list is walked from its new end until a whole page is older than the horizon, because a recording can be completed
20 minutes after younger ones. Pages that shift while one walks do no harm: what is met twice is known the second time,
and what slips from one page to another is met by the next run, which walks the same way again. Requests are what
evaluation leaves over. A run that must stop remembers where; the next one looks at the new end first, so that what is
new does not wait behind what is left.

Announce → mark: a crash in between announces twice, which evaluation takes for one.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Final

from domain.discovery.mark import Mark
from domain.discovery.ports import SENT_TOGETHER, DiscoveryMemory, EventSender, RecordingList, SpareBudget
from domain.discovery.recording_list import ListedRecording, RecordingPage
from domain.discovery.state import Decision, DiscoveryState, Judged, Order, Walk, decide
from domain.errors import (
    AlertsError,
    Conflict,
    Contended,
    KeyMissing,
    KeyRefused,
    NotNow,
    NotTaken,
    OutOfTime,
    Throttled,
    Unavailable,
    Unusable,
)
from domain.evaluation.outcome import Source
from domain.ports import Clock
from domain.recording import RecordingId

_PAGE_RESERVE_MS: Final = 15_000
"""What one page can take at worst: the request, looking up and announcing a hundred recordings, with their retries."""
_HOLD_MS: Final = 60_000
_BEHIND_MS: Final = 3_600_000
_WRITES_TRIED: Final = 5


@dataclass(slots=True)
class Run:
    """What one run did. `stopped`: why it ended before its walk did. `behind`: the walk is open for over an hour.
    `superseded`: another run ended first, and what this one would remember is dropped."""

    pages: int = 0
    announced: list[RecordingId] = field(default_factory=list)
    missed: list[RecordingId] = field(default_factory=list)
    malformed: list[RecordingId | None] = field(default_factory=list)
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
        """One run. With `history_ms`, it and the runs after it walk back so far, also to before the first start."""
        state = self._begin(history_ms)
        walk = state.walk or Walk(max(self.now_ms() - self.lookback_ms, state.since_ms), self.now_ms())
        walking = _Walking(self, state, walk, deadline_ms)
        run = walking.run
        try:
            walking.to_the_horizon()
        except (NotNow, Unusable) as obstacle:
            run.stopped = obstacle
            run.behind = self.now_ms() - walk.begun_ms > _BEHIND_MS
        try:
            self.memory.save(walking.remembered())
        except Conflict:
            run.superseded = True
        return run

    def _begin(self, history_ms: int | None) -> DiscoveryState:
        """The state, its first start and a wish for history being stored before anything else is done."""
        for _ in range(_WRITES_TRIED):
            now_ms = self.now_ms()
            stored = self.memory.state()
            state = stored or DiscoveryState(started_ms=now_ms)
            if history_ms is not None:
                horizon_ms = min(now_ms - history_ms, state.walk.horizon_ms if state.walk else now_ms)
                state = replace(state, walk=Walk(horizon_ms, now_ms))
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


class _Walking:
    """One run on its way through the list."""

    def __init__(self, use_case: DiscoverRecordings, state: DiscoveryState, walk: Walk, deadline_ms: int) -> None:
        self.run = Run()
        self._use_case = use_case
        self._now_ms = use_case.now_ms
        self._state = state
        self._walk = walk
        self._deadline_ms = deadline_ms
        self._done = False

    def to_the_horizon(self) -> None:
        if self._now_ms() < self._state.not_before_ms:
            raise Unavailable("The API asked to be left alone until later.", self._state.not_before_ms)
        page = self._new_end()
        fronts = list(self._walk.left_at)
        while True:
            settled = self._work_off(page)
            number = self._after(page)
            if number is None or self._is_all_old(page):
                self._done = True
                return
            while fronts and not self._lies_behind(fronts[0], number):
                fronts.pop(0)  # Reached on foot: from here on it is the walk itself.
            if fronts and settled:
                number = fronts.pop(0)  # Nothing new is left up to there.
            self._walk = replace(self._walk, left_at=(number, *fronts))
            page = self._fetch(number)

    def remembered(self) -> DiscoveryState:
        """The next revision of the state: where to go on, or that nothing is left."""
        stopped = self.run.stopped
        following = self._walk.after_it(self._now_ms(), self._use_case.lookback_ms)
        retry_at_ms = stopped.retry_at_ms if isinstance(stopped, Unavailable) else None
        return replace(
            self._state,
            revision=self._state.revision + 1,
            walk=following if self._done else self._walk,
            not_before_ms=retry_at_ms or 0,
        )

    # ── The way through the pages ──────────────────────────────────────────────────────────────────────────────────

    def _new_end(self) -> RecordingPage:
        """The page at the new end. Which one that is, is found out once by looking at both, and once more whenever
        nothing new is there: should the list be turned round one day, discovery must not fall silent."""
        page = self._fetch(self._state.last_page if self._state.order is Order.OLDEST_FIRST else 1)
        while self._state.order is Order.OLDEST_FIRST and page.number != max(1, page.total_pages):
            page = self._fetch(max(1, page.total_pages))
        order = self._state.order
        if page.total_pages > 1 and (order is None or not self._recent(page)):
            other = self._fetch(page.total_pages if page.number == 1 else 1)
            page = max(page, other, key=lambda each: each.newest_ms)
            order = Order.NEWEST_FIRST if page.number == 1 else Order.OLDEST_FIRST
        if order is not self._state.order:
            self._walk = replace(self._walk, left_at=())
        self._state = replace(self._state, order=order, last_page=max(1, page.total_pages))
        return page

    def _after(self, page: RecordingPage) -> int | None:
        """The number of the next older page."""
        if self._state.order is Order.OLDEST_FIRST:
            return min(page.number - 1, page.total_pages) or None
        return page.number + 1 if page.number < page.total_pages else None

    def _lies_behind(self, left_at: int, number: int) -> bool:
        """Whether the page where a run stopped is older than page `number`."""
        return left_at < number if self._state.order is Order.OLDEST_FIRST else left_at > number

    def _fetch(self, number: int) -> RecordingPage:
        if self._now_ms() > self._deadline_ms - _PAGE_RESERVE_MS:
            raise OutOfTime("Too little time was left for another page.")
        self._use_case.budget.take_spare()
        self.run.pages += 1
        try:
            page = self._use_case.recordings.page(number)
        except (Throttled, KeyRefused, KeyMissing) as obstacle:
            # Nobody else's request would fare better.
            self._use_case.budget.hold(obstacle.retry_at_ms or self._now_ms() + _HOLD_MS)
            raise
        self.run.malformed += page.malformed
        return page

    def _recent(self, page: RecordingPage) -> list[ListedRecording]:
        return [listed for listed in page.recordings if listed.created_ms >= self._walk.horizon_ms]

    def _is_all_old(self, page: RecordingPage) -> bool:
        return bool(page.recordings) and not self._recent(page)

    # ── The recordings of a page ───────────────────────────────────────────────────────────────────────────────────

    def _work_off(self, page: RecordingPage) -> bool:
        """Announce and mark what nobody knows; whether there was nothing to be done."""
        recent = {listed.recording: listed for listed in self._recent(page) if listed.completed}
        if not recent:
            return True
        memory = self._use_case.memory
        traces = memory.look_up(recent)
        delivered = (
            trace.evaluated_ms for trace in traces.values() if isinstance(trace, Judged) and trace.by_another_trigger
        )
        other_trigger_ms = max(delivered, default=0)
        if other_trigger_ms > self._state.other_trigger_ms:
            self._state = replace(self._state, other_trigger_ms=other_trigger_ms)
        now_ms, lookback_ms = self._now_ms(), self._use_case.lookback_ms
        decisions = {
            recording: decide(listed, traces.get(recording), self._state, now_ms, lookback_ms)
            for recording, listed in recent.items()
        }
        new = [recording for recording, decision in decisions.items() if decision is Decision.GIVE_TIME]
        if new:
            memory.mark(new, Mark.SEEN)
        self._announce(decisions)
        return all(decision is Decision.KNOWN for decision in decisions.values())

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
