"""The mailbox behind `AlertEmail`: its subscription to the e-mail topic, and the e-mails that it receives."""

import re
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from tests.simulation.invariants.alerts import AlertInvariants
from tests.simulation.world import Task, Violated, World

_ALERT: Final = re.compile(r"Alert ([0-9a-f]{24})\.")
_SWITCHED_OFF_ABOVE: Final = 10
"""SNS switches a subscription off that gets more messages than this in a second."""
_BELIEVED_MS: Final = 66_000
"""A worker believes for 60 s that the mailbox is confirmed. Then the answer's way, and the pause before a message."""


@dataclass(frozen=True)
class Unconfirmed:
    """From `from_ms` to `until_ms` the mailbox is not confirmed. `lost`: it was removed, and is added anew."""

    from_ms: int
    until_ms: int
    lost: bool


class Mailbox:
    def __init__(self, world: World, periods: Sequence[Unconfirmed], invariants: AlertInvariants) -> None:
        self._world = world
        self._periods = periods
        self._invariants = invariants
        self._latest: deque[int] = deque(maxlen=_SWITCHED_OFF_ABOVE)

    @property
    def subscriptions(self) -> list[dict[str, str]]:
        """As SNS lists them."""
        period = self._unconfirmed()
        if period and period.lost:
            return []
        word = "PendingConfirmation" if period else "arn:aws:sns:eu-central-1:123456789012:email:1"
        return [{"Protocol": "email", "SubscriptionArn": word, "Endpoint": "supervisor@example.invalid"}]

    def receive(self, task: Task, text: str) -> None:
        """The topic has taken a message for it."""
        now_ms = self._world.now_ms
        found = _ALERT.search(text)
        if not found:
            raise Violated(3, f"an e-mail names no alert: {text[:80]!r}")
        period = self._unconfirmed()
        if period and now_ms - period.from_ms > _BELIEVED_MS:
            raise Violated(3, f"alert {found[1][:6]} is sent by e-mail, but no mailbox is confirmed")
        if len(self._latest) == _SWITCHED_OFF_ABOVE and now_ms - self._latest[0] < 1000:
            raise Violated(3, f"SNS switches the mailbox off: {_SWITCHED_OFF_ABOVE + 1} e-mails within a second")
        self._latest.append(now_ms)
        self._invariants.delivered(task, "email", found[1])

    def _unconfirmed(self) -> Unconfirmed | None:
        return next((each for each in self._periods if each.from_ms <= self._world.now_ms < each.until_ms), None)
