"""The second use case: one alert to one destination, posted once.

Claim with a lease → send → record. A redelivered alert finds the record and is not sent again. If a send's answer was
lost or its worker died, the alert is sent again under the same id, and counted.
"""

from dataclasses import dataclass
from typing import Final, Protocol

from domain.alerts.alert import Alert
from domain.errors import AlertsError, InFlight, NotNow
from domain.lease import LEASE_MS
from domain.ports import Clock
from domain.retry import DeadLettered, Deferred, History, Random, settle, still_waiting

_SEND_RESERVE_MS: Final = 12_000
"""The destination's time limit, and the writes before and after the send."""


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
    """Which alerts are claimed and sent, for each destination."""

    def claim(self, alert: Alert, lease_until_ms: int) -> Claim | AlreadySent | HeldByAnother: ...

    def record_sent(self, alert: Alert, answer: str) -> None: ...

    def release(self, alert: Alert, claim: Claim, until_ms: int = 0) -> None:
        """End the claim after a send that did not arrive. No worker may send before `until_ms` (epoch)."""


class Destination(Protocol):
    name: str

    @property
    def off(self) -> bool:
        """Whether nothing is configured for it."""

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
        """Deliver before `deadline_ms` (epoch). An unexpected error is raised: SQS redelivers the message.

        A deferred copy is for this destination alone.
        """
        now_ms = self.now_ms()
        history = history.model_copy(update={"destination": self.destination.name})
        waiting = still_waiting(history, now_ms)
        if waiting:
            return waiting
        if now_ms > deadline_ms - _SEND_RESERVE_MS:
            return Deferred("out_of_time", "Too little time was left to start.", 0, history)
        try:
            return self._claim_and_send(alert)
        except AlertsError as error:
            return settle(error, history, self.now_ms(), self.random)

    def _claim_and_send(self, alert: Alert) -> Delivery:
        claim = self.ledger.claim(alert, self.now_ms() + LEASE_MS)
        match claim:
            case AlreadySent():
                return SentBefore()
            case HeldByAnother(lease_until_ms):
                what = f"An attempt to send alert {alert.alert_id} to {self.destination.name} may not be over yet."
                raise InFlight(what, lease_until_ms)
            case Claim():
                self.ledger.record_sent(alert, self._send(alert, claim))
                return Sent(claim.repeats_unknown)

    def _send(self, alert: Alert, claim: Claim) -> str:
        try:
            return self.destination.send(alert)
        except AlertsError as error:
            if not error.perhaps_done:
                # Another copy of the message must also respect the pause that the destination asked for.
                self.ledger.release(alert, claim, (isinstance(error, NotNow) and error.retry_at_ms) or 0)
            raise  # A send that may have arrived keeps its claim until the lease ends. The next send is a repeat.
