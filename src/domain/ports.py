"""What the use cases need of the outside, as protocols; `adapters/` implements them, tests have fakes with state."""

from collections.abc import Callable
from typing import Protocol

from domain.alerts.alert import Alert
from domain.evaluation.outcome import Outcome, Snapshot
from domain.recording import RecordingDetails, RecordingId
from domain.rules.document import RuleSet

Clock = Callable[[], int]
"""Epoch milliseconds."""


class RecordingApi(Protocol):
    """The vendor's API. Both calls are one request each and raise what `domain.errors` lists for its answers."""

    def results(self, recording: RecordingId) -> Snapshot: ...

    def details(self, recording: RecordingId) -> RecordingDetails: ...


class RequestBudget(Protocol):
    """The request limit shared by all workers."""

    def take(self, latest_ms: int) -> None:
        """Return when one request may be sent, having slept until then; raise `BudgetSpent` where that is past
        `latest_ms`."""

    def hold(self, until_ms: int) -> None:
        """Let nobody send a request before then."""


class RuleBook(Protocol):
    """The rules in force. Raises `RulesInvalid`."""

    def __call__(self) -> RuleSet: ...


class OutcomeTable(Protocol):
    """Outcomes by recording. Every write raises `Conflict` unless the stored revision is the one before its own."""

    def read(self, recording: RecordingId) -> Outcome | None:
        """The outcome, found by either id, without its snapshot."""

    def save(self, outcome: Outcome) -> None:
        """Write a whole outcome: the first, or one that replaces the revision before it."""

    def advance(self, outcome: Outcome) -> None:
        """Write what changes without new results: lease, publication, time of the last fetch."""

    def remember_alias(self, uuid: str, recording: int) -> None: ...


class Marks(Protocol):
    """Discovery's marks, as far as evaluation writes them."""

    def mark_sent(self, recording: RecordingId) -> None:
        """Let discovery know that an event for this recording has arrived and is waiting."""


class AlertTopic(Protocol):
    def publish(self, alert: Alert) -> None: ...


class Meter(Protocol):
    """Counts and measures for operators. Dimensions are words of ours, never an id or a text from outside."""

    def add(self, metric: str, value: float = 1, **dimensions: str) -> None: ...
