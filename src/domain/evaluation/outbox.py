"""The outbox: publish the alert that an outcome holds, then mark it as published.

A worker that dies in between leaves the alert pending. The next worker that reads the outcome publishes it again.
"""

from dataclasses import dataclass
from typing import Final

from domain.errors import AlertsError, InFlight
from domain.evaluation.outcome import Outcome
from domain.lease import LEASE_MS
from domain.ports import AlertTopic, Clock, Meter, OutcomeTable

_PUBLISH_RESERVE_MS: Final = 30_000
"""The part of a lease that publish and mark may need: a whole invocation, which may be held up in between."""
NEVER_LEASED_MS: Final = 0
"""The lease of a pending alert that was certainly not published yet."""


@dataclass(frozen=True, slots=True)
class Outbox:
    outcomes: OutcomeTable
    topic: AlertTopic
    meter: Meter
    now_ms: Clock

    def publish(self, outcome: Outcome, event_sent_ms: int, lease_before_ms: int = NEVER_LEASED_MS) -> Outcome:
        """Publish under the lease in `outcome`, mark, and return the outcome as marked.

        A worker that held the lease before may have published, so this publish counts as a repeat. One that was
        certainly not sent gives the lease back as it was. Raises the topic's errors, `InFlight` if the lease is too
        short, and `Conflict` if another worker marked the alert first.
        """
        pending = outcome.pending_alert
        if pending is None or pending.message is None:
            raise ValueError(f"recording {outcome.recording} has no alert to publish")
        if self.now_ms() > pending.lease_until_ms - _PUBLISH_RESERVE_MS:
            # A thread can outlive its invocation, and continue when Lambda thaws the process.
            raise InFlight(f"Recording {outcome.recording}: too late to publish its alert.", pending.lease_until_ms)
        perhaps_sent = True
        try:
            self.topic.publish(pending.message)
        except AlertsError as error:
            perhaps_sent = error.perhaps_done
            if not perhaps_sent:
                self.outcomes.advance(outcome.leased(lease_before_ms))
            raise
        finally:
            if perhaps_sent and lease_before_ms != NEVER_LEASED_MS:
                self.meter.add("AlertsRepeated")
        now_ms = self.now_ms()
        self.meter.add("AlertsPublished")
        self.meter.add("EventToAlertMs", now_ms - event_sent_ms)
        return self.outcomes.mark_published(outcome, now_ms)

    def carry_on(self, outcome: Outcome, event_sent_ms: int) -> Outcome:
        """Publish a pending alert whose lease has expired. No request to the vendor is needed.

        Raises `InFlight` while the lease runs.
        """
        pending = outcome.pending_alert
        if pending is None:
            raise ValueError(f"recording {outcome.recording} has no alert to publish")
        now_ms = self.now_ms()
        if pending.lease_until_ms > now_ms:
            # No retry time: its worker is usually done within moments.
            raise InFlight(f"Recording {outcome.recording}: another worker may be publishing its alert.")
        leased = outcome.leased(now_ms + LEASE_MS)
        self.outcomes.advance(leased)
        return self.publish(leased, event_sent_ms, pending.lease_until_ms)
