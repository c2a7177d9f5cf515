"""The input of an evaluation, one event about one recording, and its possible results."""

from dataclasses import dataclass, replace

from domain.evaluation.outcome import Outcome
from domain.recording import RecordingId
from domain.retry import DeadLettered, Deferred, History
from domain.triggers.source import Source


@dataclass(frozen=True, slots=True)
class RecordingEvent:
    """A sender says that this recording has been analysed.

    `happened_ms` (epoch) is the event's own time, if it was invoked directly.
    """

    recording: RecordingId
    source: Source
    history: History
    happened_ms: int | None = None

    @property
    def sent_ms(self) -> int:
        """The time that decides whether the event is old news. Waiting counts from `history.first_sent_ms`."""
        return self.history.first_sent_ms if self.happened_ms is None else self.happened_ms

    def with_history(self, **changes: object) -> "RecordingEvent":
        """The same event, these fields of its history changed."""
        return replace(self, history=self.history.model_copy(update=changes))


@dataclass(frozen=True, slots=True)
class Evaluated:
    """A new outcome was saved and, if `alerted`, its alert published.

    `details_missing` is the reason if the alert went out without the recording's details.
    """

    outcome: Outcome
    alerted: bool
    details_missing: str | None = None


@dataclass(frozen=True, slots=True)
class Duplicate:
    """The stored outcome already answers the event. `alerted`: its pending alert was published on the way.

    Reasons: `old_news` and `known` cost no request; `unchanged` and `kept` fetched what the outcome already says.
    """

    recording: RecordingId
    reason: str
    alerted: bool = False


Result = Evaluated | Duplicate | Deferred | DeadLettered
