"""The ports of the use cases, as protocols. `adapters/` implements them; tests have fakes with state."""

from collections.abc import Callable
from typing import Protocol

from domain.alerts.alert import Alert
from domain.evaluation.outcome import Outcome, Snapshot
from domain.recording import RecordingDetails, RecordingId
from domain.rules.document import RuleSet

Clock = Callable[[], int]
"""Epoch milliseconds."""


class RecordingApi(Protocol):
    """The vendor's API. Each call is one request. Raises the errors that `domain.errors` lists for its answers."""

    def results(self, recording: RecordingId) -> Snapshot: ...

    def details(self, recording: RecordingId) -> RecordingDetails: ...


class RequestBudget(Protocol):
    """The request limit shared by all workers."""

    def take(self, latest_ms: int) -> None:
        """Sleep until one request may be sent. Raises `BudgetSpent` if that is after `latest_ms` (epoch)."""

    def hold(self, until_ms: int) -> None:
        """Grant no request to any worker before then (epoch)."""


class RuleBook(Protocol):
    """The rules in force. Raises `RulesInvalid`."""

    def __call__(self) -> RuleSet: ...


class OutcomeTable(Protocol):
    """Outcomes by recording. A write raises `Conflict` unless it replaces the stored revision by the next one."""

    def read(self, recording: RecordingId) -> Outcome | None:
        """The outcome under either id of the recording, without its snapshot.

        Raises `Refused` where the stored outcome cannot be read.
        """

    def save(self, outcome: Outcome) -> None:
        """Write a whole outcome."""

    def advance(self, outcome: Outcome) -> None:
        """Write only the lease, the time of the last fetch and the digest of its results."""

    def mark_published(self, outcome: Outcome, at_ms: int) -> Outcome:
        """Mark the alert of `outcome` as published at `at_ms`, and return the outcome in its stored revision.

        It holds for any revision: a publication is a fact, also if another worker took the lease. Raises `Conflict` if
        the alert was replaced or marked already.
        """

    def remember_alias(self, uuid: str, recording: int) -> None: ...


class Marks(Protocol):
    """Discovery's marks that evaluation writes."""

    def mark_sent(self, recording: RecordingId) -> None:
        """Tell discovery that an event for this recording is waiting in the queue."""


class AlertTopic(Protocol):
    def publish(self, alert: Alert) -> None:
        """Publish once. Raises `Throttled` or `Unavailable` (`perhaps_done` where the answer was lost)."""


class Meter(Protocol):
    """Counts and measures for operators. Dimensions are fixed words, never an id or a text from outside."""

    def add(self, metric: str, value: float = 1, **dimensions: str) -> None: ...
