"""The vendor's request limit as a schedule that all workers share: it says when the next request may be sent.

A sliding-window log keeps the last `limit` slots. The next slot lies one window after the `limit`-th last. So no window
holds more than `limit` requests, and a full burst may start at once after idleness.

A request that gets no slot before its worker's deadline gets a place in a line: a time to come back, shortly before a
slot becomes free. Places are evenly spaced, and several come for each slot, since a duplicate needs no request.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

SLOT_LAPSES_MS: Final = 1_000
"""A slot not used within this time is lost; the worker asks for another."""
WINDOW_MS: Final = 60_000 + SLOT_LAPSES_MS + 1_000
"""The vendor counts 60 s where requests arrive. A slot may be used a second late, and connecting may take another
second. Slots keep that distance, so at best 60 of 62 s are used: 96.8 %."""
_LEAD_MS: Final = 8_000
"""How long before its likely slot a deferred event comes back. The worker sleeps until the slot."""
_PLACES_PER_SLOT: Final = 6
"""Keeps 96 % of the limit in use even if each event comes three times. See docs/decisions.md for the figures."""
_LINE_ENDS_MS: Final = 900_000
"""The longest delay of a message."""
_KEPT_FREE: Final = 4
"""One in this many slots is never given to discovery, so that a new event starts at once."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """Times are epoch ms. `slots`: oldest first, future ones included. `line_ms`: when the slot of the last place in
    the line should become free. `revision` counts the writes from 1."""

    slots: tuple[int, ...] = ()
    line_ms: int = 0
    held_until_ms: int = 0
    revision: int = 0

    def held(self, until_ms: int) -> "Schedule":
        """The schedule, but without a slot before `until_ms`."""
        return replace(self, held_until_ms=max(self.held_until_ms, until_ms))


@dataclass(frozen=True, slots=True)
class Slot:
    """One request may be sent at this time, and up to `SLOT_LAPSES_MS` later."""

    at_ms: int


@dataclass(frozen=True, slots=True)
class Denied:
    """No slot is free in time; come back then."""

    retry_at_ms: int


def grant(
    schedule: Schedule, latest_ms: Sequence[int], now_ms: int, limit: int
) -> tuple[Schedule, list[Slot | Denied]]:
    """Answer several callers at once. Each wants one slot, no later than its `latest_ms`."""
    slots = list(schedule.slots)
    line_ms = schedule.line_ms
    answers: list[Slot | Denied] = []
    for latest in latest_ms:
        free_ms = _next_free(slots, schedule.held_until_ms, now_ms, limit)
        if free_ms <= latest:
            slots.append(free_ms)
            answers.append(Slot(free_ms))
        else:
            line_ms = max(line_ms + WINDOW_MS // (limit * _PLACES_PER_SLOT), free_ms)
            line_ms = min(line_ms, max(now_ms + _LINE_ENDS_MS, free_ms))
            answers.append(Denied(max(line_ms - _LEAD_MS, now_ms)))
    kept = _worth_keeping(slots, now_ms, limit)
    return replace(schedule, slots=kept, line_ms=line_ms, revision=schedule.revision + 1), answers


def spare(schedule: Schedule, now_ms: int, limit: int) -> Schedule | None:
    """Take one slot at `now_ms` for discovery. `None` if evaluation needs it: no slot is free now, events stand in
    line, or too few slots would be left."""
    in_line = schedule.line_ms > now_ms
    free = _next_free(schedule.slots, schedule.held_until_ms, now_ms, limit) <= now_ms
    in_use = _in_window(schedule.slots, now_ms)
    if in_line or not free or in_use >= limit - limit // _KEPT_FREE:
        return None
    slots = _worth_keeping((*schedule.slots, now_ms), now_ms, limit)
    return replace(schedule, slots=slots, revision=schedule.revision + 1)


def _next_free(slots: Sequence[int], held_until_ms: int, now_ms: int, limit: int) -> int:
    window_frees_ms = slots[-limit] + WINDOW_MS if len(slots) >= limit else 0
    # Workers' clocks differ. The log stays in order.
    newest_ms = slots[-1] if slots else 0
    return max(now_ms, held_until_ms, window_frees_ms, newest_ms)


def _worth_keeping(slots: Sequence[int], now_ms: int, limit: int) -> tuple[int, ...]:
    """The last `limit` slots, and all of the window: the limit may be lowered and raised again."""
    return tuple(slots[-max(limit, _in_window(slots, now_ms)) :])


def _in_window(slots: Sequence[int], now_ms: int) -> int:
    """How many slots count against the limit now."""
    return len(slots) - bisect_right(slots, now_ms - WINDOW_MS)
