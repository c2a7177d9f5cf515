"""What discovery remembers, and what it does with a recording it meets in the list.

It keeps one state from run to run, and a mark of each recording it deals with, so that none is announced twice while
its event is waiting. Where another trigger delivers, discovery is the safety net: it gives a new recording time
to arrive that way, and what did not arrive is news.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from domain.discovery.mark import Mark, Marked
from domain.discovery.recording_list import ListedRecording
from domain.evaluation.outcome import Source

COMPLETION_MS: Final = 20 * 60_000
"""A recording appears in the list of completed ones up to this long after it was created, the vendor says."""
GRACE_MS: Final = 2 * 60_000
"""A new recording has at least this long, and until the next run, to arrive by another trigger: two runs shortly after
one another (Scheduler delivers at least once; an operator may start one) give it no less."""
TRIGGER_LASTS_MS: Final = 7 * 24 * 3_600_000
"""Another trigger that has delivered within this time is relied on."""


class Order(StrEnum):
    """At which end of the list the new recordings are. The vendor does not say."""

    NEWEST_FIRST = "newest_first"
    OLDEST_FIRST = "oldest_first"


@dataclass(frozen=True, slots=True)
class Judged:
    """There is an outcome: who brought it, and when it was evaluated."""

    source: Source
    evaluated_ms: int

    @property
    def by_another_trigger(self) -> bool:
        """An operator's replay is none."""
        return self.source not in {Source.DISCOVERY, Source.REPLAY}


Trace = Judged | Marked


@dataclass(frozen=True, slots=True)
class Walk:
    """A way through the list from its new end to `horizon_ms`, and no less: what a run leaves, the next ones go on
    with, however late, so that nothing falls out of the lookback while discovery is held up.

    `left_at` are the pages where runs stopped, the newest first: nearly always one, more where a run could not even
    finish with what was new.
    """

    horizon_ms: int
    begun_ms: int
    left_at: tuple[int, ...] = ()

    def after_it(self, now_ms: int, lookback_ms: int) -> "Walk | None":
        """The walk that must follow at once, since this one took so long that what was completed meanwhile has left
        the lookback."""
        unseen_ms = self.begun_ms - COMPLETION_MS
        return Walk(unseen_ms, now_ms) if unseen_ms < now_ms - lookback_ms else None


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscoveryState:
    """`started_ms`: the first run ever. `last_page`: where the list ended. `walk`: what an earlier run left to do.
    `other_trigger_ms`: when another trigger was last seen to have delivered. `not_before_ms`: the vendor's wish."""

    started_ms: int
    revision: int = 1
    order: Order | None = None
    last_page: int = 1
    walk: Walk | None = None
    other_trigger_ms: int = 0
    not_before_ms: int = 0

    @property
    def since_ms(self) -> int:
        """Recordings created before this are history. One created just before the first start may have been completed
        after it, which the list does not tell: to judge a few that were completed shortly before is the lesser evil."""
        return self.started_ms - COMPLETION_MS

    def relies_on_another(self, now_ms: int) -> bool:
        return now_ms - self.other_trigger_ms < TRIGGER_LASTS_MS


class Decision(StrEnum):
    KNOWN = "known"
    """It has an outcome, or its event is on its way."""
    SEND = "send"
    SEND_MISSED = "send_missed"
    """The trigger that is relied on did not bring it."""
    GIVE_TIME = "give_time"
    """Mark it as seen; the next run sends it if it did not arrive otherwise."""
    WAIT = "wait"
    """Its time to arrive otherwise is not over."""


def decide(
    listed: ListedRecording, trace: Trace | None, state: DiscoveryState, now_ms: int, lookback_ms: int
) -> Decision:
    """What to do with a recording of the list, whose creation lies within the walk's horizon."""
    match trace:
        case Judged() | Marked(mark=Mark.SENT):
            return Decision.KNOWN
        case Marked(mark=Mark.SEEN, at_ms=seen_ms):
            return Decision.WAIT if now_ms - seen_ms < GRACE_MS else Decision.SEND_MISSED
    if listed.created_ms < state.since_ms or not state.relies_on_another(now_ms):
        return Decision.SEND
    # An old one has had its time, and might be beyond the lookback when the next run comes.
    old = listed.created_ms < now_ms - lookback_ms // 2
    return Decision.SEND_MISSED if old else Decision.GIVE_TIME
