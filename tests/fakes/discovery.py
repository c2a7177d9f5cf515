"""The vendor's list, discovery's memory, its queue and its part of the budget, each with what a test may look at."""

from bisect import insort
from collections.abc import Collection, Sequence

from domain.discovery.decision import Judged, Trace
from domain.discovery.mark import Mark, Marked
from domain.discovery.recording_list import ListedRecording, RecordingPage
from domain.discovery.state import DiscoveryState
from domain.errors import BudgetSpent, Conflict
from domain.ports import Clock
from domain.recording import RecordingId
from domain.triggers.source import Source
from tests.fakes.stage import Stage

PER_PAGE = 100


class FakeList:
    """An account's completed recordings, in either order. `requests` are the pages asked for.

    `raises` are errors by the number of the request that meets them, counted from 1. `pending` are listed without being
    completed, `undated` without a time. `malformed` are items without an id, by page. The list is
    out of order by up to `disorder_ms`.
    """

    def __init__(self, *, newest_first: bool = True, disorder_ms: int = 0, stage: Stage | None = None) -> None:
        self.newest_first = newest_first
        self.disorder_ms = disorder_ms
        self.requests: list[int] = []
        self.raises: dict[int, Exception] = {}
        self.pending: set[int] = set()
        self.undated: set[int] = set()
        self.malformed: dict[int, int] = {}
        self._oldest_first: list[tuple[int, int, int]] = []
        self._stage = stage or Stage()

    def add(self, recording: int, created_ms: int) -> None:
        place_ms = created_ms + recording * 7_919 % (self.disorder_ms + 1)
        insort(self._oldest_first, (place_ms, recording, created_ms))

    def remove(self, recording: int) -> None:
        self._oldest_first = [item for item in self._oldest_first if item[1] != recording]

    def prepare(self) -> None:
        pass

    def page(self, number: int) -> RecordingPage:
        with self._stage.call(f"page {number}"):
            self.requests.append(number)
            if error := self.raises.get(len(self.requests)):
                raise error
            count = len(self._oldest_first)
            first = (number - 1) * PER_PAGE
            if self.newest_first:
                chosen = self._oldest_first[max(0, count - first - PER_PAGE) : max(0, count - first)][::-1]
            else:
                chosen = self._oldest_first[first : first + PER_PAGE]
            return RecordingPage(
                number,
                total_pages=-(-count // PER_PAGE),
                total_count=count,
                recordings=tuple(
                    ListedRecording(
                        recording,
                        None if recording in self.undated else created_ms,
                        completed=recording not in self.pending,
                    )
                    for _, recording, created_ms in chosen
                ),
                malformed=self.malformed.get(number, 0),
            )


class InMemoryDiscovery:
    """`outcomes` and `marks` by recording; `looked_up` counts the recordings of each look-up."""

    def __init__(self, now_ms: Clock, stage: Stage | None = None) -> None:
        self.stored: DiscoveryState | None = None
        self.outcomes: dict[RecordingId, Judged] = {}
        self.marks: dict[RecordingId, Marked] = {}
        self.looked_up: list[int] = []
        self._now_ms = now_ms
        self._stage = stage or Stage()

    def state(self) -> DiscoveryState | None:
        with self._stage.call("read state"):
            return self.stored

    def save(self, state: DiscoveryState) -> None:
        with self._stage.call("save state"):
            if (self.stored.revision if self.stored else 0) != state.revision - 1:
                raise Conflict("Another run wrote the state first.")
            self.stored = state

    def look_up(self, recordings: Collection[RecordingId]) -> dict[RecordingId, Trace]:
        with self._stage.call("look up"):
            self.looked_up.append(len(recordings))
            known: dict[RecordingId, Trace] = {**self.marks, **self.outcomes}
            return {recording: known[recording] for recording in recordings if recording in known}

    def mark(self, recordings: Collection[RecordingId], mark: Mark) -> None:
        with self._stage.call(f"mark {mark}"):
            self.marks |= dict.fromkeys(recordings, Marked(mark, self._now_ms()))


class FakeSender:
    """`sent` are all events in their order; `refuses` are recordings whose events the queue does not take."""

    def __init__(self, stage: Stage | None = None) -> None:
        self.sent: list[RecordingId] = []
        self.batches: list[int] = []
        self.refuses: set[RecordingId] = set()
        self._stage = stage or Stage()

    def send_all(self, recordings: Sequence[RecordingId], source: Source) -> list[RecordingId]:
        assert source is Source.DISCOVERY
        with self._stage.call("send"):
            taken = [recording for recording in recordings if recording not in self.refuses]
            self.sent += taken
            self.batches.append(len(recordings))
        return taken


class FakeSpareBudget:
    """Has `left` requests to spare, and none while it is held."""

    def __init__(self, now_ms: Clock, left: int = 1_000_000) -> None:
        self.left = left
        self.held_until_ms = 0
        self._now_ms = now_ms

    def take_spare(self) -> None:
        if not self.left or self._now_ms() < self.held_until_ms:
            raise BudgetSpent("No request is to spare now.")
        self.left -= 1

    def hold(self, until_ms: int) -> None:
        self.held_until_ms = max(self.held_until_ms, until_ms)
