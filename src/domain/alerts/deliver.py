"""The second use case: one alert to one destination, posted once.

Claim with a lease → send → record. A redelivered alert finds the record and is not sent again. Only where a send's
outcome is unknown (its answer lost, or its worker gone) is it sent again, under the same alert id, and counted.
"""

from dataclasses import dataclass
from typing import Final, Protocol

from domain.alerts.alert import Alert
from domain.errors import AlertsError, InFlight, NotNow, Unavailable
from domain.lease import LEASE_MS
from domain.ports import Clock
from domain.retry import DeadLettered, Deferred, History, Random, settle, still_waiting

_SEND_RESERVE_MS: Final = 12_000
"""What one delivery takes at worst: the destination's time limit and the writes around it."""


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to send until the lease ends. `repeats_unknown`: an earlier send may have arrived."""

    lease_until_ms: int
    repeats_unknown: bool


@dataclass(frozen=True, slots=True)
class AlreadySent:
    pass


@dataclass(frozen=True, slots=True)
class HeldByAnother:
    lease_until_ms: int


class DeliveryLedger(Protocol):
    """Who sends which alert where, and what has been sent."""

    def claim(self, alert: Alert, lease_until_ms: int) -> Claim | AlreadySent | HeldByAnother: ...

    def record_sent(self, alert: Alert, answer: str) -> None: ...

    def release(self, alert: Alert, claim: Claim, until_ms: int = 0) -> None:
        """Give the claim back after a send that certainly did not arrive. Nobody may send before `until_ms`."""


class Destination(Protocol):
    name: str

    def send(self, alert: Alert) -> str:
        """Send once; the destination's own answer. Raises `NotNow` or `Refused`."""


@dataclass(frozen=True, slots=True)
class Sent:
    repeats_unknown: bool


@dataclass(frozen=True, slots=True)
class SentBefore:
    pass


Delivery = Sent | SentBefore | Deferred | DeadLettered


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliverAlert:
    ledger: DeliveryLedger
    destination: Destination
    now_ms: Clock
    random: Random

    def __call__(self, alert: Alert, history: History, deadline_ms: int) -> Delivery:
        """Deliver before `deadline_ms` (epoch). Raises only what is unexpected, for the queue to redeliver."""
        now_ms = self.now_ms()
        waiting = still_waiting(history, now_ms)
        if waiting:
            return waiting
        if now_ms > deadline_ms - _SEND_RESERVE_MS:
            return Deferred(
                "out_of_time",
                "Too little time was left to start.",
                0,
                history.model_copy(update={"copied_ms": now_ms}),
            )
        try:
            return self._claim_and_send(alert)
        except AlertsError as obstacle:
            return settle(obstacle, history, self.now_ms(), self.random)

    def _claim_and_send(self, alert: Alert) -> Delivery:
        claim = self.ledger.claim(alert, self.now_ms() + LEASE_MS)
        match claim:
            case AlreadySent():
                return SentBefore()
            case HeldByAnother(lease_until_ms):
                raise InFlight(f"An attempt to send alert {alert.alert_id} may not be over yet.", lease_until_ms)
            case Claim():
                self.ledger.record_sent(alert, self._send(alert, claim))
                return Sent(claim.repeats_unknown)

    def _send(self, alert: Alert, claim: Claim) -> str:
        try:
            return self.destination.send(alert)
        except Unavailable as obstacle:
            if obstacle.perhaps_done:
                raise  # It may have arrived: the claim stands until its lease ends, and the next send is a repeat.
            self.ledger.release(alert, claim, obstacle.retry_at_ms or 0)
            raise
        except AlertsError as obstacle:
            # Another copy of the message may come meanwhile: what the destination asked for holds for all of them.
            self.ledger.release(alert, claim, (isinstance(obstacle, NotNow) and obstacle.retry_at_ms) or 0)
            raise
