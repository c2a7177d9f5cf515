"""What discovery remembers from run to run, and which creation times a run has to look at."""

from dataclasses import dataclass, replace
from typing import Final

from domain.discovery.recording_list import Order
from domain.discovery.spans import Span, Spans, opened
from domain.discovery.walk import OVERLAP_MS

COMPLETION_MS: Final = 20 * 60_000
"""A recording appears in the list of completed ones up to this long after it was created, the vendor says."""
GRACE_MS: Final = 2 * 60_000
"""How long a listed recording has at least to arrive by another trigger."""
SETTLED_MS: Final = COMPLETION_MS + GRACE_MS
"""A recording created this long ago is in the list, and has had time to arrive by another trigger."""
_TRIGGER_LASTS_MS: Final = 7 * 24 * 3_600_000
_DUE_MS: Final = 3_600_000


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscoveryState:
    """`started_ms`: the first run ever. `looked_ms`: when the last run began that has ended.

    `spans`: what runs left to do. `order` and `last_page`: which end of the list is new, and where the list ended.
    `other_trigger_ms`: the last known delivery by another trigger. `not_before_ms`: the vendor asked for a pause.
    """

    started_ms: int
    revision: int = 1
    looked_ms: int | None = None
    spans: Spans = ()
    order: Order | None = None
    last_page: int = 1
    other_trigger_ms: int = 0
    not_before_ms: int = 0

    @property
    def since_ms(self) -> int:
        """Recordings created before this are history.

        One created just before the first start may have been completed after it. The list does not tell. Judging a few
        that were completed shortly before does less harm than losing one.
        """
        return self.started_ms - COMPLETION_MS

    def relies_on_another(self, now_ms: int) -> bool:
        """Whether another trigger has delivered within a week."""
        return now_ms - self.other_trigger_ms < _TRIGGER_LASTS_MS

    def run_begun(self, now_ms: int, lookback_ms: int) -> "DiscoveryState":
        """Open what a run at `now_ms` has to look at: what may be new, and twice in each lookback the whole of it.

        The whole lookback finds recordings that took longer than the vendor says, for instance after an outage.
        """
        earliest_ms = max(self.since_ms, now_ms - lookback_ms)
        looked_ms = self.looked_ms or 0
        new_ms = max(earliest_ms, looked_ms - SETTLED_MS - OVERLAP_MS)
        spans = opened(self.spans, Span(from_ms=new_ms, to_ms=now_ms, due_ms=now_ms + _DUE_MS))
        sweep_ms = lookback_ms // 2
        sweep_due = (looked_ms - self.started_ms) // sweep_ms < (now_ms - self.started_ms) // sweep_ms
        if sweep_due and earliest_ms < new_ms:
            spans = opened(spans, Span(from_ms=earliest_ms, to_ms=new_ms - 1, due_ms=now_ms + sweep_ms))
        return replace(self, spans=spans, looked_ms=now_ms)

    def history_wanted(self, history_ms: int, now_ms: int) -> "DiscoveryState":
        history = Span(from_ms=now_ms - history_ms, to_ms=now_ms, due_ms=now_ms + _DUE_MS)
        return replace(self, spans=opened(self.spans, history))

    def is_behind(self, now_ms: int) -> bool:
        return any(span.due_ms < now_ms for span in self.spans)
