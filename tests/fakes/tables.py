"""Outcomes, marks and deliveries in memory. `contracts` has the tests that fakes and real adapters share."""

from dataclasses import replace

from domain.alerts.alert import Alert
from domain.alerts.deliver import AlreadySent, Claim, HeldByAnother
from domain.errors import Conflict
from domain.evaluation.outcome import Outcome
from domain.ports import Clock
from domain.recording import RecordingId
from tests.fakes.stage import Stage


class InMemoryOutcomeTable:
    """`rows` are the whole outcomes as stored, their results included."""

    def __init__(self, stage: Stage | None = None) -> None:
        self.rows: dict[RecordingId, Outcome] = {}
        self.aliases: dict[str, int] = {}
        self.writes = 0
        self._stage = stage or Stage()

    def read(self, recording: RecordingId) -> Outcome | None:
        with self._stage.call("read"):
            key = self.aliases.get(recording, recording) if isinstance(recording, str) else recording
            found = self.rows.get(key) or self.rows.get(recording)
        return replace(found, snapshot=None) if found else None

    def save(self, outcome: Outcome) -> None:
        with self._stage.call("save"):
            self._check(outcome)
            self.rows[outcome.recording] = outcome
            self.writes += 1

    def advance(self, outcome: Outcome) -> None:
        with self._stage.call("advance"):
            self._check(outcome)
            self.rows[outcome.recording] = replace(
                self.rows[outcome.recording],
                revision=outcome.revision,
                fetch_started_ms=outcome.fetch_started_ms,
                results_digest=outcome.results_digest,
                alert=outcome.alert,
            )
            self.writes += 1

    def mark_published(self, outcome: Outcome, at_ms: int) -> Outcome:
        with self._stage.call("mark_published"):
            stored = self.rows.get(outcome.recording)
            pending = stored.pending_alert if stored else None
            if not stored or not pending or not outcome.alert or pending.alert_id != outcome.alert.alert_id:
                raise Conflict("The alert was replaced or marked already.")
            published, revision = outcome.published_alert(at_ms), stored.revision + 1
            self.rows[outcome.recording] = replace(stored, alert=published, revision=revision)
            self.writes += 1
        return replace(outcome, alert=published, revision=revision)

    def remember_alias(self, uuid: str, recording: int) -> None:
        with self._stage.call("remember_alias"):
            self.aliases[uuid] = recording

    def _check(self, outcome: Outcome) -> None:
        stored = self.rows.get(outcome.recording)
        if (stored.revision if stored else 0) != outcome.revision - 1:
            raise Conflict("Another worker wrote the item first.")


class InMemoryMarks:
    """`sent` are the recordings marked, in order."""

    def __init__(self, stage: Stage) -> None:
        self.sent: list[RecordingId] = []
        self._stage = stage

    def mark_sent(self, recording: RecordingId) -> None:
        with self._stage.call("mark_sent"):
            self.sent.append(recording)


class InMemoryDeliveryLedger:
    """`claimed` maps alert ids to the end of their lease, `waiting` are those given back, `sent` maps to the answer."""

    def __init__(self, now_ms: Clock, stage: Stage | None = None) -> None:
        self.claimed: dict[str, int] = {}
        self.waiting: set[str] = set()
        self.unknown: set[str] = set()
        self.sent: dict[str, str] = {}
        self._now_ms = now_ms
        self._stage = stage or Stage()

    def claim(self, alert: Alert, lease_until_ms: int) -> Claim | AlreadySent | HeldByAnother:
        with self._stage.call("claim"):
            key = alert.alert_id
            if key in self.sent:
                return AlreadySent()
            before_ms = self.claimed.get(key, 0)
            if before_ms > self._now_ms():
                return HeldByAnother(before_ms)
            if key in self.claimed and key not in self.waiting:
                self.unknown.add(key)
            self.claimed[key] = lease_until_ms
            self.waiting.discard(key)
        return Claim(lease_until_ms, repeats_unknown=key in self.unknown)

    def record_sent(self, alert: Alert, answer: str) -> None:
        with self._stage.call("record_sent"):
            self.sent[alert.alert_id] = answer

    def release(self, alert: Alert, claim: Claim, until_ms: int = 0) -> None:
        with self._stage.call("release"):
            if self.claimed.get(alert.alert_id) == claim.lease_until_ms:
                self.claimed[alert.alert_id] = until_ms
                self.waiting.add(alert.alert_id)
