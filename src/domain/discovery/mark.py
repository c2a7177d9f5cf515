"""The mark of a recording that discovery deals with. A module of its own: evaluation writes marks and loads no more."""

from dataclasses import dataclass
from enum import StrEnum


class Mark(StrEnum):
    """Discovery has seen the recording and gives it time to arrive by another trigger, or its event was sent."""

    SEEN = "seen"
    SENT = "sent"


@dataclass(frozen=True, slots=True)
class Marked:
    mark: Mark
    at_ms: int
