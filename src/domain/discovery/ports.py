"""What discovery needs of the outside. Kept apart from `domain.ports`: the other functions need not load it."""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from domain.discovery.decision import Trace
from domain.discovery.mark import Mark
from domain.discovery.recording_list import RecordingPage
from domain.discovery.state import DiscoveryState
from domain.recording import RecordingId
from domain.triggers.source import Source


class RecordingList(Protocol):
    """The vendor's list of completed recordings. The vendor does not document its order."""

    def prepare(self) -> None:
        """Do what may be slow before a request is granted, so that it leaves as soon as it is."""

    def page(self, number: int) -> RecordingPage:
        """One page of up to 100, counted from 1; empty beyond the end. One request.

        Raises the errors that `domain.errors` lists for the API's answers.
        """


class SpareBudget(Protocol):
    """The request limit shared by all workers, for work that can wait."""

    def take_spare(self) -> None:
        """Take one request that evaluation does not need. Raises `BudgetSpent` where there is none."""

    def hold(self, until_ms: int) -> None:
        """No worker sends a request before then."""


class DiscoveryMemory(Protocol):
    """Discovery's state, and the outcomes and marks of recordings."""

    def state(self) -> DiscoveryState | None: ...

    def save(self, state: DiscoveryState) -> None:
        """Raises `Conflict` unless the stored revision is the one before its own."""

    def look_up(self, recordings: Collection[RecordingId]) -> Mapping[RecordingId, Trace]:
        """The outcome of each recording, or else its mark, found by either id. Unknown recordings are left out."""

    def mark(self, recordings: Collection[RecordingId], mark: Mark) -> None:
        """Mark each for as long as discovery looks at it."""


class EventSender(Protocol):
    """The event queue, to say that recordings have been analysed."""

    def send_all(self, recordings: Sequence[RecordingId], source: Source) -> Sequence[RecordingId]:
        """Send an event for each of at most `SENT_TOGETHER`. Return those that the queue has taken."""


SENT_TOGETHER = 10
"""The most messages SQS takes in one call."""
