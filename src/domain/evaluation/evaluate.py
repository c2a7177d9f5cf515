"""The main use case: one event about one recording becomes one outcome and, for new violations, one alert.

An attempt that loses to another worker starts over. Other failures are deferred or dead-lettered.
"""

from dataclasses import dataclass
from typing import Final

from domain.errors import AlertsError, Conflict, Contended
from domain.evaluation.attempt import Attempt, Unfinished
from domain.evaluation.event import RecordingEvent, Result
from domain.evaluation.fetch import Wait
from domain.ports import Clock, Marks
from domain.retry import DeadLettered, Deferred, Random, settle, still_waiting
from domain.triggers.source import Source

_ATTEMPTS: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluateRecording:
    attempt: Attempt
    marks: Marks
    now_ms: Clock
    random: Random

    def __call__(self, event: RecordingEvent, deadline_ms: int) -> Result:
        """Evaluate before `deadline_ms` (epoch). An unexpected error is raised: SQS redelivers the message."""
        waiting = still_waiting(event.history, self.now_ms())
        if waiting:
            return waiting
        for _ in range(_ATTEMPTS):
            try:
                result = self.attempt(event, deadline_ms)
            except Conflict:
                continue
            except AlertsError as error:
                return self._settle(event, error)
            match result:
                case Wait(step, reason, number, details):
                    if number and number != event.recording:
                        self.marks.mark_sent(number)  # The event names a UUID, and discovery's list the number.
                    return self._settle(event.with_history(stage=step, details=details), reason)
                case Unfinished(digest, cause):
                    event = event.with_history(outrun=digest)
                    if not isinstance(cause, Conflict):
                        return self._settle(event, cause)
                case _:
                    return result
        return self._settle(
            event, Contended(f"Recording {event.recording}: other workers kept writing its outcome first.")
        )

    def _settle(self, event: RecordingEvent, error: AlertsError) -> Deferred | DeadLettered:
        result = settle(error, event.history, self.now_ms(), self.random)
        if isinstance(result, Deferred) and not event.history.reason and event.source is not Source.DISCOVERY:
            # Without a mark, discovery would report a recording that waits here as missed by its trigger.
            self.marks.mark_sent(event.recording)
        return result
