"""What the invariants look at: the scenario's recordings, what AWS stores, and the ledger."""

from collections.abc import Iterable, Sequence

from tests.simulation.ledger import Ledger
from tests.simulation.queue import Message
from tests.simulation.recordings import Recording
from tests.simulation.stored import Stored
from tests.simulation.world import World


class Observed:
    def __init__(self, world: World, stored: Stored, recordings: Sequence[Recording], ledger: Ledger) -> None:
        self.world = world
        self.stored = stored
        self.recordings = recordings
        self.ledger = ledger
        self._by_name = {str(recording.recording_id): recording for recording in recordings}
        self._by_name |= {recording.uuid: recording for recording in recordings}

    def recording(self, name: str) -> Recording:
        """By its number or its UUID."""
        return self._by_name[name]

    @property
    def event_messages(self) -> Iterable[Message]:
        """All messages about recordings, dead letters too."""
        return (*self.stored.event_queue.messages.values(), *self.stored.event_dead_letters.messages.values())

    @property
    def alert_messages(self) -> Iterable[Message]:
        """All messages on their way to Slack, dead letters too."""
        return (*self.stored.slack_queue.messages.values(), *self.stored.slack_dead_letters.messages.values())

    def with_the_operator(self, number: int) -> bool:
        """Whether an event for this recording is a dead letter, so that a redrive continues it."""
        return any(message.facts.recording == number for message in self.stored.event_dead_letters.messages.values())
