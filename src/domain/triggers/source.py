"""The trigger that brought an event."""

from enum import StrEnum


class Source(StrEnum):
    """Stored with the outcome, and part of the canonical event."""

    QUEUE = "queue"
    EVENTBRIDGE = "eventbridge"
    WEBHOOK = "webhook"
    DISCOVERY = "discovery"
    REPLAY = "replay"
