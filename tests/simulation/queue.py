"""SQS, exactly: visibility, receive counts, redelivery out of order, delays, dead letters, redrive."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

from tests.simulation.world import Violated, World

VISIBILITY_MS: Final = 180_000
MAX_RECEIVES: Final = 5
MAX_DELAY_S: Final = 900
_DAY_MS: Final = 86_400_000
QUEUE_KEEPS_MS: Final = 4 * _DAY_MS
DEAD_LETTERS_KEPT_MS: Final = 14 * _DAY_MS
"""SQS removes what is older, as template.yaml says. A dead letter that SQS moved keeps its age."""


@dataclass(eq=False)
class Facts:
    """The true facts about a message, invisible to the workers.

    A deferred copy carries a copy of its original's facts. Times are true epoch ms.
    """

    name: str
    recording: int | None
    """Number of the recording in the scenario; `None` where the event names none."""
    sent_ms: int
    since_ms: int
    """When its waiting began: sent, or redriven by hand."""
    discovery: bool = False
    alert_id: str | None = None
    not_found_ms: tuple[int, ...] = ()
    """When the vendor answered 404."""
    unusable: int = 0
    said_evaluated: bool = False
    """The vendor said that the goals were evaluated. A re-analysis may withdraw them right afterwards."""
    fetched: int = -1
    """The newest judgeable state of the recording that was fetched for it."""
    destination: str = ""
    """The one destination that a deferred copy of an alert is for; empty means all."""
    outrun: str = ""
    """The digest of results that were fetched for it and not saved."""
    retry_at_ms: int = 0
    """Retry-After of the other side, as recorded in the deferral: no earlier request may be made for it."""
    by_uuid: bool = False
    """The event names the recording by its UUID."""
    deferrals: int = 0
    """Since its waiting began."""
    late: bool = False
    """Sent by a thread that outlived its invocation; the original goes its own way."""


@dataclass(eq=False)
class Message:
    message_id: str
    body: str
    attributes: dict[str, Any]
    sent_ms: int
    visible_ms: int
    facts: Facts
    receives: int = 0
    earlier_failures: int = 0
    """Receives that failed the messages of which this is a deferred copy."""
    receipt: str = ""
    gone: bool = False


def _ignore(message: Message) -> None:
    pass


class Queue:
    def __init__(
        self, world: World, name: str, dead_letters: "Queue | None" = None, keeps_ms: int = QUEUE_KEEPS_MS
    ) -> None:
        self.name = name
        self._keeps_ms = keeps_ms
        self.messages: dict[str, Message] = {}
        self.on_arrival: Callable[[], None] = lambda: None
        self.on_exhausted: Callable[[Message], None] = _ignore
        self._world = world
        self._dead_letters = dead_letters
        self._count = 0

    def send(self, body: str, facts: Facts, delay_ms: int = 0, attributes: dict[str, Any] | None = None) -> Message:
        self._count += 1
        now_ms = self._world.now_ms
        name = f"{self.name}-{self._count}"
        message = Message(name, body, attributes or {}, now_ms, now_ms + delay_ms, facts)
        self._keep(message)
        return message

    def receive(self, most: int) -> list[Message]:
        """Up to `most` visible messages, in any order. One received too often becomes a dead letter."""
        world = self._world
        visible = []
        for message in tuple(self.messages.values()):
            if message.visible_ms > world.now_ms:
                continue
            if world.now_ms - message.sent_ms >= self._keeps_ms:
                raise Violated(1, f"SQS removes {message.facts.name}: {self.name} keeps no message so long")
            if message.receives >= MAX_RECEIVES and self._dead_letters is not None:
                self._exhausted(message, self._dead_letters)
            else:
                visible.append(message)
        if not visible:
            return []
        received = world.random.sample(visible, min(most, len(visible)))
        for message in received:
            message.receives += 1
            message.receipt = f"{message.message_id}/{message.receives}"
            self._hide(message, VISIBILITY_MS)
        return received

    def show_again(self, message: Message, in_ms: int) -> None:
        """Change a message's visibility."""
        if not message.gone:
            self._hide(message, in_ms)

    def delete(self, message: Message) -> None:
        message.gone = True
        self.messages.pop(message.message_id, None)

    def redrive_to(self, destination: "Queue") -> int:
        """StartMessageMoveTask: every message moves as a new one, with the attributes it has."""
        moved = list(self.messages.values())
        for message in moved:
            if self._world.now_ms - message.sent_ms >= self._keeps_ms:
                raise Violated(1, f"SQS removed {message.facts.name} before its redrive")
            self.delete(message)
            # A later request answers it, whatever was fetched before.
            facts = replace(
                message.facts,
                since_ms=self._world.now_ms,
                not_found_ms=(),
                unusable=0,
                retry_at_ms=0,
                outrun="",
                deferrals=0,
                late=False,
            )
            destination.send(message.body, facts, attributes=message.attributes)
        return len(moved)

    def _exhausted(self, message: Message, dead_letters: "Queue") -> None:
        self.on_exhausted(message)
        self.delete(message)
        # As SQS does it: the same message, with the time at which it was first sent.
        dead_letters.messages[message.message_id] = replace(message, gone=False, receives=0, earlier_failures=0)

    def _keep(self, message: Message) -> None:
        self.messages[message.message_id] = message
        self._announce(message)

    def _hide(self, message: Message, for_ms: int) -> None:
        message.visible_ms = self._world.now_ms + for_ms
        self._announce(message)

    def _announce(self, message: Message) -> None:
        """Tell the pollers when it becomes visible, if it still does then."""
        at_ms = message.visible_ms

        def visible() -> None:
            if not message.gone and message.visible_ms == at_ms:
                self.on_arrival()

        self._world.at(at_ms, visible)
