"""The outbox: publish the alert that an outcome holds, then mark it as published.

A worker that dies in between leaves the alert pending. The next worker that reads the outcome publishes it again.
"""

from dataclasses import dataclass
from typing import Final

from domain.errors import InFlight
from domain.evaluation.outcome import Outcome
from domain.lease import LEASE_MS
from domain.ports import AlertTopic, Clock, Meter, OutcomeTable

_PUBLISH_RESERVE_MS: Final = 15_000
"""The part of a lease that one publish may need: the call's time limit plus clock skew."""


@dataclass(frozen=True, slots=True)
class Outbox:
    outcomes: OutcomeTable
    topic: AlertTopic
    meter: Meter
    now_ms: Clock

    def publish(self, outcome: Outcome, event_sent_ms: int) -> Outcome:
        """Publish under the lease in `outcome`, mark, and return the outcome as marked.

        Raises `InFlight` if the lease is too short, and `Conflict` if another worker marked the alert first.
        """
        pending = outcome.pending_alert
        if pending is None or pending.message is None:
            raise ValueError(f"recording {outcome.recording} has no alert to publish")
        if self.now_ms() > pending.lease_until_ms - _PUBLISH_RESERVE_MS:
            # A thread can outlive its invocation, and continue when Lambda thaws the process.
            raise InFlight(f"Recording {outcome.recording}: too late to publish its alert.", pending.lease_until_ms)
        self.topic.publish(pending.message)
        now_ms = self.now_ms()
        self.meter.add("AlertsPublished")
        self.meter.add("EventToAlertMs", now_ms - event_sent_ms)
        return self.outcomes.mark_published(outcome, now_ms)

    def carry_on(self, outcome: Outcome, event_sent_ms: int) -> Outcome:
        """Publish a pending alert whose lease has expired. No request to the vendor is needed.

        The dead worker may have published it, so it counts as a repeat. Raises `InFlight` while the lease runs.
        """
        pending = outcome.pending_alert
        now_ms = self.now_ms()
        if pending and pending.lease_until_ms > now_ms:
            # No retry time: its worker is usually done within moments.
            raise InFlight(f"Recording {outcome.recording}: another worker may be publishing its alert.")
        leased = outcome.leased(now_ms + LEASE_MS)
        self.outcomes.advance(leased)
        self.meter.add("AlertsRepeated")
        return self.publish(leased, event_sent_ms)
