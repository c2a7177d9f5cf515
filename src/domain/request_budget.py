"""The vendor's request limit as a schedule shared by all workers: when the next request may be sent.

A sliding-window log. Of the slots given away the last `limit` are kept, and all of the last window; the next one lies
a window after the `limit`-th last, so no window ever holds more than `limit`, and after idleness a whole burst may
start at once. What cannot be served before a worker's deadline is given a place in a line: a time to come back, spread
so that somewhat more come than there are slots, because some will turn out to need none.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

SLOT_LAPSES_MS: Final = 1_000
"""A slot not used within this time is lost; a worker asks for another."""
WINDOW_MS: Final = 60_000 + SLOT_LAPSES_MS + 1_000
"""The vendor counts 60 s where requests arrive. A slot may be used up to a second late, and its request may take a
second to get there (the longest a connection may take to be made), so slots keep that much further apart: 60 of 62 s
can be used, 96.8 %."""
_LEAD_MS: Final = 8_000
"""How long before its likely slot a deferred message comes back; workers sleep out the rest."""
_OVERBOOKED: Final = 2
_LINE_ENDS_MS: Final = 900_000
"""The longest delay of a message."""
_KEPT_FREE: Final = 4
"""One in so many slots is never given to work that can wait: an event that comes meanwhile starts at once."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """`slots`: epoch ms, oldest first, the future ones included. `line_ms`: the last place given in the line."""

    slots: tuple[int, ...] = ()
    line_ms: int = 0
    held_until_ms: int = 0
    revision: int = 0

    def held(self, until_ms: int) -> "Schedule":
        """The next revision, with no slot before `until_ms`."""
        return replace(self, held_until_ms=max(self.held_until_ms, until_ms), revision=self.revision + 1)


@dataclass(frozen=True, slots=True)
class Slot:
    """A request may be sent at this time, and up to `SLOT_LAPSES_MS` later."""

    at_ms: int


@dataclass(frozen=True, slots=True)
class Denied:
    """No slot in time; come back then."""

    retry_at_ms: int


def grant(
    schedule: Schedule, latest_ms: Sequence[int], now_ms: int, limit: int
) -> tuple[Schedule, list[Slot | Denied]]:
    """Serve several wishes at once, each for one slot no later than its `latest_ms`."""
    slots = list(schedule.slots)
    line_ms = schedule.line_ms
    answers: list[Slot | Denied] = []
    for latest in latest_ms:
        free_ms = _next_free(slots, schedule.held_until_ms, now_ms, limit)
        if free_ms <= latest:
            slots.append(free_ms)
            answers.append(Slot(free_ms))
        else:
            line_ms = max(line_ms + WINDOW_MS // (limit * _OVERBOOKED), free_ms - _LEAD_MS, now_ms)
            line_ms = min(line_ms, max(now_ms + _LINE_ENDS_MS, schedule.held_until_ms))
            answers.append(Denied(line_ms))
    kept = _worth_keeping(slots, now_ms, limit)
    return replace(schedule, slots=kept, line_ms=line_ms, revision=schedule.revision + 1), answers


def spare(schedule: Schedule, now_ms: int, limit: int) -> Schedule | None:
    """One slot at `now_ms` for work that can wait; `None` where it would be at the expense of others: no slot is free
    right now, somebody stands in line for one, or too few would be left."""
    in_line = schedule.line_ms + _LEAD_MS > now_ms
    free = _next_free(schedule.slots, schedule.held_until_ms, now_ms, limit) <= now_ms
    in_use = sum(at_ms > now_ms - WINDOW_MS for at_ms in schedule.slots)
    if in_line or not free or in_use >= limit - limit // _KEPT_FREE:
        return None
    slots = _worth_keeping((*schedule.slots, now_ms), now_ms, limit)
    return replace(schedule, slots=slots, revision=schedule.revision + 1)


def _next_free(slots: Sequence[int], held_until_ms: int, now_ms: int, limit: int) -> int:
    window_frees_ms = slots[-limit] + WINDOW_MS if len(slots) >= limit else 0
    # Workers' clocks differ a little; the log stays in order all the same.
    newest_ms = slots[-1] if slots else 0
    return max(now_ms, held_until_ms, window_frees_ms, newest_ms)


def _worth_keeping(slots: Sequence[int], now_ms: int, limit: int) -> tuple[int, ...]:
    """The last `limit`; just after the limit was lowered, also those that would still count if it were raised again."""
    recent = sum(at_ms > now_ms - WINDOW_MS for at_ms in slots)
    return tuple(slots[-max(limit, recent) :])
