"""The rules of waiting: what is not possible now goes back with a delay, what never will be goes to the dead letters.

A deferral is a fresh copy of the message, so it costs no receive; its history travels with it. Waiting alone never
reaches the dead-letter queue before a day has passed.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from domain.errors import AlertsError, NotFound, NotNow, Refused, Unusable

MAX_DELAY_S: Final = 900
"""The longest `DelaySeconds` SQS takes."""
_HOUR_MS: Final = 3_600_000
GIVE_UP_AFTER_MS: Final = 24 * _HOUR_MS
GOALS_AWAITED_MS: Final = 60 * 60_000
"""How long a recording may wait for its goals before what is there is judged."""
_FIRST_DELAY_S: Final = 15.0
_NOT_FOUND_DELAY_S: Final = 300
_NOT_FOUND_TRIES: Final = 3
_UNUSABLE_TRIES: Final = 3
_REDRIVEN_AFTER_MS: Final = 60_000
"""A copy carries when it was sent. A message whose own `SentTimestamp` is further from that was redriven by hand:
the clocks of a worker and of SQS never differ by a minute, and no message becomes a dead letter within one."""

Random = Callable[[], float]
"""Uniform in [0, 1)."""


class History(BaseModel):
    """What a deferred copy knows of its past. All times are epoch milliseconds.

    `stage` is where the next attempt takes the fetch up; see `domain.evaluation.fetch`.
    `outrun` is the digest of results that were fetched, and not saved because another worker wrote the outcome first.
    """

    model_config = ConfigDict(strict=True, frozen=True, extra="ignore")

    first_sent_ms: int
    copied_ms: int
    not_before_ms: int = 0
    reason: str = ""
    deferrals: dict[str, int] = Field(default_factory=dict)
    stage: str = ""
    outrun: str = ""

    def count(self, reason: str) -> int:
        return self.deferrals.get(reason, 0)


def read_history(text: str | None, sent_ms: int) -> History:
    """The history a message carries, or a new one for a first delivery, a redriven copy or an unreadable attribute."""
    if text is not None:
        try:
            history = History.model_validate_json(text)
        except ValidationError:
            pass  # Written by somebody else: to start anew is right, since nothing but waiting depends on it.
        else:
            if abs(sent_ms - history.copied_ms) <= _REDRIVEN_AFTER_MS:
                return history
    return History(first_sent_ms=sent_ms, copied_ms=sent_ms)


@dataclass(frozen=True, slots=True)
class Deferred:
    """Send a fresh copy with this delay and history, and acknowledge the message at hand."""

    reason: str
    message: str
    delay_s: int
    history: History


@dataclass(frozen=True, slots=True)
class DeadLettered:
    """Send to the dead-letter queue with the reason (a word) and the message (a sentence), and acknowledge."""

    reason: str
    message: str


def settle(obstacle: AlertsError, history: History, now_ms: int, random: Random) -> Deferred | DeadLettered:
    """Decide what becomes of a message that met `obstacle`. Raises what no rule covers, for SQS to redeliver."""
    message = str(obstacle)
    match obstacle:
        case Refused():
            return DeadLettered(obstacle.word, message)
        case Unusable() if history.count(obstacle.reason) + 1 >= _UNUSABLE_TRIES:
            return DeadLettered(obstacle.reason, f"{message} Tried {_UNUSABLE_TRIES} times.")
        case NotFound() if history.count(obstacle.reason) + 1 < _NOT_FOUND_TRIES:
            return _defer(obstacle, history, now_ms, now_ms + _NOT_FOUND_DELAY_S * 1000)
        case NotNow() | Unusable():
            if now_ms - history.first_sent_ms >= GIVE_UP_AFTER_MS:
                return DeadLettered(obstacle.reason, f"{message} Given up after waiting for 24 hours.")
            retry_at_ms = obstacle.retry_at_ms if isinstance(obstacle, NotNow) else None
            if retry_at_ms is None:
                retry_at_ms = now_ms + int(1000 * _growing(history.count(obstacle.reason), random))
            return _defer(obstacle, history, now_ms, retry_at_ms)
        case _:
            raise obstacle


def still_waiting(history: History, now_ms: int) -> Deferred | None:
    """A copy that came back before its time (SQS delays 15 minutes at most) waits on, at no cost."""
    if now_ms >= history.not_before_ms:
        return None
    delay_s = _delay_s(history.not_before_ms - now_ms)
    return Deferred(history.reason, "Waiting on.", delay_s, history.model_copy(update={"copied_ms": now_ms}))


def over_an_hour(history: History, now_ms: int) -> bool:
    """Whether a message has been on its way for longer than operators expect."""
    return now_ms - history.first_sent_ms > _HOUR_MS


def not_found_for_good(history: History) -> bool:
    """Whether the try at hand is the last before "no such recording" is believed: three over ten minutes."""
    return history.count(NotFound.reason) + 1 >= _NOT_FOUND_TRIES


def _defer(obstacle: AlertsError, history: History, now_ms: int, retry_at_ms: int) -> Deferred:
    reason = obstacle.reason
    copy = History(
        first_sent_ms=history.first_sent_ms,
        copied_ms=now_ms,
        not_before_ms=retry_at_ms,
        reason=reason,
        deferrals={**history.deferrals, reason: history.count(reason) + 1},
        stage=(isinstance(obstacle, NotNow) and obstacle.stage) or history.stage,
        outrun=history.outrun,
    )
    return Deferred(reason, str(obstacle), _delay_s(retry_at_ms - now_ms), copy)


def _growing(earlier: int, random: Random) -> float:
    """Seconds: doubling from 15 to 15 minutes, the upper half of each step left to chance."""
    ceiling = min(_FIRST_DELAY_S * 2.0 ** min(earlier, 10), MAX_DELAY_S)
    return ceiling * (0.5 + 0.5 * random())


def _delay_s(wait_ms: int) -> int:
    return min(MAX_DELAY_S, max(0, math.ceil(wait_ms / 1000)))
