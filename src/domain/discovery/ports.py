"""What discovery needs of the outside. Apart from `ports`, so that the other functions do not load it."""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from domain.discovery.mark import Mark
from domain.discovery.recording_list import RecordingPage
from domain.discovery.state import DiscoveryState, Trace
from domain.evaluation.outcome import Source
from domain.recording import RecordingId


class RecordingList(Protocol):
    """The vendor's list of completed recordings, in an order that nobody promises."""

    def page(self, number: int) -> RecordingPage:
        """One page of up to 100, counted from 1; empty beyond the end. One request; raises what `domain.errors` lists
        for the API's answers."""


class SpareBudget(Protocol):
    """The request limit shared by all workers, for work that can wait: it gives only what nobody else needs."""

    def take_spare(self) -> None:
        """Return when one request may be sent, at once; raise `BudgetSpent` where none is to spare."""

    def hold(self, until_ms: int) -> None:
        """Let nobody send a request before then."""


class DiscoveryMemory(Protocol):
    """What discovery knows of recordings, and of itself from one run to the next."""

    def state(self) -> DiscoveryState | None: ...

    def save(self, state: DiscoveryState) -> None:
        """Raises `Conflict` unless the stored revision is the one before its own."""

    def look_up(self, recordings: Collection[RecordingId]) -> Mapping[RecordingId, Trace]:
        """Of each recording its outcome, found by either id, or else discovery's own mark; of the others nothing."""

    def mark(self, recordings: Collection[RecordingId], mark: Mark) -> None:
        """Remember each for as long as discovery could meet it again."""


class EventSender(Protocol):
    """The event queue, to say that recordings have been analysed."""

    def send_all(self, recordings: Sequence[RecordingId], source: Source) -> Sequence[RecordingId]:
        """Send an event for each of at most `SENT_TOGETHER`; those that the queue has taken."""


SENT_TOGETHER = 10
"""The most messages SQS takes in one call."""
