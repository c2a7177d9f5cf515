"""What AWS stores: the outcome table, and the queues with their dead-letter queues."""

from tests.simulation.queue import DEAD_LETTERS_KEPT_MS, Queue
from tests.simulation.table import Table
from tests.simulation.world import World


class Stored:
    def __init__(self, world: World) -> None:
        self.table = Table()
        self.event_dead_letters = Queue(world, "event-dlq", keeps_ms=DEAD_LETTERS_KEPT_MS)
        self.event_queue = Queue(world, "event", self.event_dead_letters)
        self.slack_dead_letters = Queue(world, "slack-dlq", keeps_ms=DEAD_LETTERS_KEPT_MS)
        self.slack_queue = Queue(world, "slack", self.slack_dead_letters)

    @property
    def queues(self) -> dict[str, Queue]:
        """Every queue by its name, which is also its URL here."""
        every = (self.event_queue, self.event_dead_letters, self.slack_queue, self.slack_dead_letters)
        return {queue.name: queue for queue in every}
