"""The vendor's request limit as a schedule shared by all workers: when the next request may be sent.

A sliding-window log. Of the slots given away the last `limit` are kept, and all of the last window; the next one lies
a window after the `limit`-th last, so no window ever holds more than `limit`, and after idleness a whole burst may
start at once. What cannot be served before a worker's deadline is given a place in a line: a time to come back, shortly
before a slot should come free. Somewhat more come than there are slots, because some will turn out to need none.
"""

from bisect import bisect_left, bisect_right
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
"""How many stand in line for one slot: in a backlog of which half needs no request after all, every slot is used."""
_AT_ONCE_MS: Final = 1_000
"""Slots this close together count as one place for several: delays are given in seconds."""
_LINE_ENDS_MS: Final = 900_000
"""The longest delay of a message."""
_KEPT_FREE: Final = 4
"""One in so many slots is never given to work that can wait: an event that comes meanwhile starts at once."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """`slots`: epoch ms, oldest first, the future ones included. `line_ms`: the last place in the line, as the time at
    which its slot should come free, and `line_taken`: how many stand there."""

    slots: tuple[int, ...] = ()
    line_ms: int = 0
    line_taken: int = 0
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
    line_ms, line_taken = schedule.line_ms, schedule.line_taken
    answers: list[Slot | Denied] = []
    for latest in latest_ms:
        free_ms = _next_free(slots, schedule.held_until_ms, now_ms, limit)
        if free_ms <= latest:
            slots.append(free_ms)
            answers.append(Slot(free_ms))
        else:
            if line_ms < free_ms:
                line_ms, line_taken = free_ms, 0
            line_ms, line_taken = _next_place(slots[-limit:], line_ms, line_taken, limit)
            line_ms = min(line_ms, max(now_ms + _LINE_ENDS_MS, free_ms))
            answers.append(Denied(max(line_ms - _LEAD_MS, now_ms)))
    kept = _worth_keeping(slots, now_ms, limit)
    revision = schedule.revision + 1
    return replace(schedule, slots=kept, line_ms=line_ms, line_taken=line_taken, revision=revision), answers


def spare(schedule: Schedule, now_ms: int, limit: int) -> Schedule | None:
    """One slot at `now_ms` for work that can wait; `None` where it would be at the expense of others: no slot is free
    right now, somebody stands in line for one, or too few would be left."""
    in_line = schedule.line_ms > now_ms
    free = _next_free(schedule.slots, schedule.held_until_ms, now_ms, limit) <= now_ms
    in_use = _in_window(schedule.slots, now_ms)
    if in_line or not free or in_use >= limit - limit // _KEPT_FREE:
        return None
    slots = _worth_keeping((*schedule.slots, now_ms), now_ms, limit)
    return replace(schedule, slots=slots, revision=schedule.revision + 1)


def _next_place(slots: Sequence[int], line_ms: int, taken: int, limit: int) -> tuple[int, int]:
    """The place after the last one, and how many stand there then.

    A slot comes free a window after each one given, and again after another window: places follow that pattern, because
    a slot that comes free while nobody waits for it is lost, and after a burst all come free at once.
    """
    if len(slots) < limit:
        return line_ms + WINDOW_MS // (limit * _OVERBOOKED), 1
    windows, phase = divmod(line_ms - slots[0], WINDOW_MS)
    here = bisect_left(slots, slots[0] + phase)
    after = bisect_left(slots, slots[0] + phase + _AT_ONCE_MS)
    if taken < _OVERBOOKED * (after - here):
        return line_ms, taken + 1
    if after < len(slots):
        return line_ms + slots[after] - slots[0] - phase, 1
    return slots[0] + (windows + 1) * WINDOW_MS, 1


def _next_free(slots: Sequence[int], held_until_ms: int, now_ms: int, limit: int) -> int:
    window_frees_ms = slots[-limit] + WINDOW_MS if len(slots) >= limit else 0
    # Workers' clocks differ a little; the log stays in order all the same.
    newest_ms = slots[-1] if slots else 0
    return max(now_ms, held_until_ms, window_frees_ms, newest_ms)


def _worth_keeping(slots: Sequence[int], now_ms: int, limit: int) -> tuple[int, ...]:
    """The last `limit`; just after the limit was lowered, also those that would still count if it were raised again."""
    return tuple(slots[-max(limit, _in_window(slots, now_ms)) :])


def _in_window(slots: Sequence[int], now_ms: int) -> int:
    """How many slots still count."""
    return len(slots) - bisect_right(slots, now_ms - WINDOW_MS)
