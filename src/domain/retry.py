"""Retry policy of both queues: transient failures are re-queued with a delay; permanent ones are dead-lettered.

A deferral is a fresh copy of the message that carries its history, so it costs no receive. A message that only waits
is dead-lettered after 24 hours, not sooner.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from domain.errors import AlertsError, NotFound, NotNow, Refused, Unusable
from domain.recording import RecordingDetails

MAX_DELAY_S: Final = 900
"""The longest `DelaySeconds` SQS takes."""
_HOUR_MS: Final = 3_600_000
GIVE_UP_AFTER_MS: Final = 24 * _HOUR_MS
_FIRST_DELAY_S: Final = 15.0
_NOT_FOUND_DELAY_S: Final = 300
_NOT_FOUND_TRIES: Final = 3
_UNUSABLE_TRIES: Final = 3
_UNEXPECTED_TRIES: Final = 5
_REDRIVEN_AFTER_MS: Final = 360_000
"""A copy carries the time of its sending. A `SentTimestamp` this far from it means a redrive by an operator.

AWS refuses a request over 5 minutes after its signature. Five receives of a message take over 9 minutes."""

Random = Callable[[], float]
"""Uniform in [0, 1)."""


class History(BaseModel):
    """The past of a deferred copy. All times are epoch milliseconds.

    `copied_ms` is when the copy was sent, or a first message; see `read_history`.
    `stage` is the step at which the next fetch starts; see `domain.evaluation.fetch.Step`.
    `details` are the recording's, where a fetch read them and then had to stop.
    `outrun` is the digest of results that were fetched, where another worker wrote the outcome or the publish failed.
    `failures` counts receives that neither finished nor deferred the message: errors, crashes, time limits.
    `destination` is the one that a copy of an alert is for; empty means every destination.
    """

    model_config = ConfigDict(strict=True, frozen=True, extra="ignore")

    first_sent_ms: int
    copied_ms: int
    not_before_ms: int = 0
    reason: str = ""
    deferrals: dict[str, int] = Field(default_factory=dict)
    stage: str = ""
    details: RecordingDetails | None = None
    outrun: str = ""
    failures: int = 0
    destination: str = ""

    def count(self, reason: str) -> int:
        return self.deferrals.get(reason, 0)


def read_history(text: str | None, sent_ms: int) -> History:
    """Read a message's history. A first delivery, a redriven copy and an unreadable history start a new one."""
    if text is not None:
        try:
            history = History.model_validate_json(text)
        except ValidationError:
            pass  # Another sender wrote it. A new history is safe: it only restarts the waiting.
        else:
            if abs(sent_ms - history.copied_ms) <= _REDRIVEN_AFTER_MS:
                return history
    return History(first_sent_ms=sent_ms, copied_ms=sent_ms)


@dataclass(frozen=True, slots=True)
class Deferred:
    """Send a fresh copy with this delay and history, and acknowledge this message."""

    reason: str
    message: str
    delay_s: int
    history: History


@dataclass(frozen=True, slots=True)
class DeadLettered:
    """Send to the dead-letter queue with the reason (a word) and the message (a sentence), and acknowledge."""

    reason: str
    message: str


def settle(error: AlertsError, history: History, now_ms: int, random: Random) -> Deferred | DeadLettered:
    """Defer or dead-letter a message that failed with `error`. Raises an error that no rule covers: SQS redelivers."""
    message = str(error)
    match error:
        case Refused():
            return DeadLettered(error.word, message)
        case Unusable() if history.count(error.reason) + 1 >= _UNUSABLE_TRIES:
            return DeadLettered(error.reason, f"{message} Tried {_UNUSABLE_TRIES} times.")
        case NotFound() if not not_found_for_good(history):
            return _defer(error, history, now_ms, now_ms + _NOT_FOUND_DELAY_S * 1000)
        case NotNow() | Unusable():
            if now_ms - history.first_sent_ms >= GIVE_UP_AFTER_MS:
                return DeadLettered(error.reason, f"{message} Given up after waiting for 24 hours.")
            retry_at_ms = error.retry_at_ms if isinstance(error, NotNow) else None
            if retry_at_ms is None:
                retry_at_ms = now_ms + int(1000 * _growing_delay_s(history.count(error.reason), random))
            return _defer(error, history, now_ms, retry_at_ms)
        case _:
            raise error


def give_up(error: Exception, history: History) -> DeadLettered | None:
    """Dead-letter a message at its fifth failure. `None`: SQS redelivers it.

    The receives that SQS counts are not enough. A deferral in between is a fresh copy, whose count starts at 1.
    The sentence never repeats the error's text, which can hold spoken words.
    """
    failures = history.failures + 1
    if failures < _UNEXPECTED_TRIES:
        return None
    word = type(error).__name__
    return DeadLettered(
        "unexpected_error", f"The last of {failures} failures was {word}. The function's log has its trace."
    )


def still_waiting(history: History, now_ms: int) -> Deferred | None:
    """Defer a copy again that SQS delivered before its time: SQS delays by 15 minutes at most."""
    if now_ms >= history.not_before_ms:
        return None
    delay_s = _delay_s(history.not_before_ms - now_ms)
    return Deferred(history.reason, "Still waiting.", delay_s, history)


def over_an_hour(history: History, now_ms: int) -> bool:
    """Whether a message waits longer than operators expect."""
    return now_ms - history.first_sent_ms > _HOUR_MS


def not_found_for_good(history: History) -> bool:
    """Whether this is the last of three tries over ten minutes, after which a 404 is final."""
    return history.count(NotFound.reason) + 1 >= _NOT_FOUND_TRIES


def _defer(error: AlertsError, history: History, now_ms: int, retry_at_ms: int) -> Deferred:
    reason = error.reason
    copy = history.model_copy(
        update={
            "not_before_ms": retry_at_ms,
            "reason": reason,
            "deferrals": {**history.deferrals, reason: history.count(reason) + 1},
        }
    )
    return Deferred(reason, str(error), _delay_s(retry_at_ms - now_ms), copy)


def _growing_delay_s(earlier: int, random: Random) -> float:
    """Doubles from 15 s to 15 minutes. The upper half of each delay is random."""
    ceiling = min(_FIRST_DELAY_S * 2.0 ** min(earlier, 10), MAX_DELAY_S)
    return ceiling * (0.5 + 0.5 * random())


def _delay_s(wait_ms: int) -> int:
    return min(MAX_DELAY_S, max(0, math.ceil(wait_ms / 1000)))
