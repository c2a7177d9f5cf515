"""What to do with a recording of the list.

Where another trigger delivers, discovery is the safety net. It gives a new recording time to arrive that way. It sends
a recording that does not arrive, and counts it as missed.
"""

from dataclasses import dataclass
from enum import StrEnum

from domain.discovery.mark import Mark, Marked
from domain.discovery.recording_list import ListedRecording
from domain.discovery.state import GRACE_MS, SETTLED_MS, DiscoveryState
from domain.triggers.source import Source


@dataclass(frozen=True, slots=True)
class Judged:
    """The recording has an outcome. `source`: the trigger that brought it."""

    source: Source
    evaluated_ms: int

    @property
    def by_another_trigger(self) -> bool:
        """An operator's replay is no trigger."""
        return self.source not in {Source.DISCOVERY, Source.REPLAY}


Trace = Judged | Marked


class Decision(StrEnum):
    KNOWN = "known"
    """It has an outcome, or its event was sent."""
    SEND = "send"
    SEND_MISSED = "send_missed"
    """Another trigger should have brought it, and did not."""
    GIVE_TIME = "give_time"
    """Mark it as seen. A later run sends it if it does not arrive otherwise."""
    WAIT = "wait"
    """It was marked as seen a moment ago."""


def decide(listed: ListedRecording, trace: Trace | None, state: DiscoveryState, now_ms: int) -> Decision:
    """Only a recording that the next run looks at again is left for later. The others are sent at once."""
    if isinstance(trace, Judged) or (trace and trace.mark is Mark.SENT):
        return Decision.KNOWN
    created_ms = listed.created_ms
    if created_ms is None or created_ms < state.since_ms or not state.relies_on_another(now_ms):
        return Decision.SEND
    if created_ms < now_ms - SETTLED_MS:
        return Decision.SEND_MISSED
    if trace is None:
        return Decision.GIVE_TIME
    # Two runs may follow at once: Scheduler delivers at least once, and operators start runs.
    return Decision.WAIT if now_ms - trace.at_ms < GRACE_MS else Decision.SEND_MISSED
