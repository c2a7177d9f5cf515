"""The main use case: one event about one recording becomes one outcome and, for what is new, one alert.

Read → fetch → judge → save → publish → mark. A crash between any two steps and a redelivery end in the same state: the
outcome is saved with its alert pending, and whoever meets a pending alert whose lease ran out carries it on first.
"""

from dataclasses import dataclass, replace
from typing import Final

from domain import wording
from domain.alerts import alert as alerts
from domain.errors import AlertsError, Conflict, Contended, InFlight, NotFound, OutOfTime, Unavailable
from domain.evaluation.fetch import FetchAnalysis, Fetched
from domain.evaluation.outcome import LEASE_MS, OutboxAlert, Outcome, Source, Status, keep
from domain.ports import AlertTopic, Clock, Marks, Meter, OutcomeTable, RuleBook
from domain.recording import RecordingDetails, RecordingId
from domain.retry import (
    DeadLettered,
    Deferred,
    History,
    Random,
    not_found_for_good,
    settle,
    still_waiting,
)
from domain.rules.document import RuleSet
from domain.rules.violation import Violation

_START_RESERVE_MS: Final = 18_000
"""Both requests at their time limits and the writes. Where AWS hangs too, the invocation ends and SQS redelivers."""
_DETAILS_RESERVE_MS: Final = 12_000
_LEASE_RESERVE_MS: Final = 15_000
"""What must be left of a lease to publish under it: the call's time limit and the clocks' differences."""
_DETAILS_PATIENCE_MS: Final = 2_000
_STARTS: Final = 4


@dataclass(frozen=True, slots=True)
class RecordingEvent:
    """Somebody says that this recording has been analysed. `happened_ms`: when, where that was before it got here."""

    recording: RecordingId
    source: Source
    history: History
    happened_ms: int | None = None

    @property
    def sent_ms(self) -> int:
        """What decides whether it is old news. Waiting counts from its arrival, `history.first_sent_ms`."""
        return self.history.first_sent_ms if self.happened_ms is None else self.happened_ms


@dataclass(frozen=True, slots=True)
class Evaluated:
    """A new outcome was saved and, if `alerted`, its alert published."""

    outcome: Outcome
    alerted: bool
    details_obstacle: str | None = None


@dataclass(frozen=True, slots=True)
class Duplicate:
    """Nothing new: `old_news` and `known` cost no request, `unchanged` and `kept` fetched what the outcome says."""

    recording: RecordingId
    reason: str
    alerted: bool = False


Result = Evaluated | Duplicate | Deferred | DeadLettered


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluateRecording:
    fetch: FetchAnalysis
    rules: RuleBook
    outcomes: OutcomeTable
    marks: Marks
    topic: AlertTopic
    meter: Meter
    now_ms: Clock
    random: Random

    def __call__(self, event: RecordingEvent, deadline_ms: int) -> Result:
        """Evaluate before `deadline_ms` (epoch). Raises only what is unexpected, for the queue to redeliver."""
        waiting = still_waiting(event.history, self.now_ms())
        if waiting:
            return waiting
        for _ in range(_STARTS):
            try:
                return self._evaluate(event, deadline_ms)
            except _Outrun as outrun:
                event = replace(event, history=event.history.model_copy(update={"outrun": outrun.digest}))
                if outrun.not_before_ms:
                    return self._settle(event, Contended(str(outrun), outrun.not_before_ms))
            except Conflict:
                continue  # Another worker wrote this outcome first: read it again and start over.
            except AlertsError as obstacle:
                return self._settle(event, obstacle)
        contended = Contended(f"Recording {event.recording}: other workers kept writing its outcome first.")
        return self._settle(event, contended)

    def _settle(self, event: RecordingEvent, obstacle: AlertsError) -> Deferred | DeadLettered:
        result = settle(obstacle, event.history, self.now_ms(), self.random)
        if isinstance(result, Deferred) and not event.history.reason and event.source is not Source.DISCOVERY:
            # Or discovery would take a recording that waits for one that its trigger has missed.
            self.marks.mark_sent(event.recording)
        return result

    def _evaluate(self, event: RecordingEvent, deadline_ms: int) -> Result:
        if self.now_ms() > deadline_ms - _START_RESERVE_MS:
            raise OutOfTime(f"Recording {event.recording}: too little time was left to start.", self.now_ms())
        standing = self.outcomes.read(event.recording)
        carried_on = False
        if standing and standing.pending_alert:
            standing = self._carry_on(event, standing, standing.pending_alert)
            carried_on = True
        if standing and (known := _answered(event, standing)):
            if known == "unchanged":
                # They were fetched again: whoever read the outcome before that holds older ones, and must not win.
                self.outcomes.advance(standing.confirmed(standing.fetch_started_ms))
            return Duplicate(standing.recording, known, carried_on)
        return self._fetch_and_judge(event, standing, deadline_ms)

    def _fetch_and_judge(self, event: RecordingEvent, standing: Outcome | None, deadline_ms: int) -> Result:
        rules = self.rules()  # Before the request is spent: without valid rules nothing can be judged.
        latest_ms = deadline_ms - _START_RESERVE_MS
        attempt = _Attempt(event, standing, self.fetch.begin(latest_ms))
        try:
            fetched = self.fetch(event.recording, event.history, reads_goals=rules.reads_goals, latest_ms=latest_ms)
        except NotFound:
            if not not_found_for_good(event.history):
                raise
            return self._conclude(attempt, Status.NOT_FOUND, attempt.recording)
        if isinstance(fetched, RecordingDetails):
            return self._conclude(attempt, Status.ANALYSIS_FAILED, fetched.id or attempt.recording)
        if standing and standing.judged and standing.results_digest == fetched.snapshot.digest:
            self.outcomes.advance(standing.confirmed(attempt.fetch_started_ms))
            return Duplicate(standing.recording, "unchanged")
        return self._judge(attempt, fetched, rules, deadline_ms)

    def _judge(self, attempt: "_Attempt", fetched: Fetched, rules: RuleSet, deadline_ms: int) -> Result:
        snapshot, details = fetched.snapshot, fetched.details
        recording = snapshot.results.recording_id
        standing = attempt.standing_of(recording)
        violations = rules.judge(snapshot.results)
        alerted = standing.alerted if standing else frozenset()
        fresh = [violation for violation in violations if violation.fingerprint not in alerted]
        obstacle: AlertsError | None = None
        if fresh and details is None:
            details, obstacle = self._details_if_to_be_had(attempt.event.recording, deadline_ms)
        evaluated_at_ms = self.now_ms()
        outcome = Outcome(
            recording=recording,
            status=Status.VIOLATIONS if violations else Status.CLEAR,
            revision=standing.revision + 1 if standing else 1,
            source=attempt.event.source,
            fetch_started_ms=attempt.fetch_started_ms,
            evaluated_at_ms=evaluated_at_ms,
            violations=keep(violations),
            violations_total=len(violations),
            results_digest=snapshot.digest,
            rules_version=rules.digest,
            goals_evaluated=fetched.goals_evaluated,
            alert=_outbox(recording, fresh, details, evaluated_at_ms) or (standing.alert if standing else None),
            alerted=alerted.union(violation.fingerprint for violation in fresh),
            snapshot=snapshot,
        )
        try:
            self._save(attempt, outcome)
        except Conflict:
            # To start over asks the vendor again, who may have asked for a pause when the details were to be read.
            not_before_ms = obstacle.retry_at_ms if isinstance(obstacle, Unavailable) else None
            raise _Outrun(recording, snapshot.digest, not_before_ms) from None
        if outcome.pending_alert:
            self._publish(attempt.event, outcome)
        return Evaluated(outcome, bool(fresh), obstacle.reason if obstacle else None)

    def _conclude(self, attempt: "_Attempt", status: Status, recording: RecordingId) -> Result:
        """An outcome without results, which never replaces a judged one."""
        standing = attempt.standing_of(recording)
        if standing and standing.judged:
            return Duplicate(recording, "kept")
        if standing and standing.status is status:
            self.outcomes.advance(standing.confirmed(attempt.fetch_started_ms))
            return Duplicate(recording, "unchanged")
        outcome = Outcome(
            recording=recording,
            status=status,
            revision=standing.revision + 1 if standing else 1,
            source=attempt.event.source,
            fetch_started_ms=attempt.fetch_started_ms,
            evaluated_at_ms=self.now_ms(),
        )
        self._save(attempt, outcome)
        return Evaluated(outcome, alerted=False)

    def _save(self, attempt: "_Attempt", outcome: Outcome) -> None:
        asked_for = attempt.event.recording
        if (
            isinstance(asked_for, str)
            and isinstance(outcome.recording, int)
            and not attempt.standing_of(outcome.recording)
        ):
            self.outcomes.remember_alias(asked_for, outcome.recording)
        self.outcomes.save(outcome)

    def _carry_on(self, event: RecordingEvent, standing: Outcome, pending: OutboxAlert) -> Outcome:
        """Publish an alert that its worker left pending, from the outbox, without asking the vendor. Whether that
        worker had published it nobody knows, so it counts as a repeat."""
        now_ms = self.now_ms()
        if pending.lease_until_ms > now_ms:
            # As a rule it is over in a moment, and only where its worker died as late as its lease: so no fixed time.
            raise InFlight(f"Recording {standing.recording}: an attempt to publish its alert may not be over yet.")
        leased = standing.leased(now_ms + LEASE_MS)
        self.outcomes.advance(leased)
        self.meter.add("AlertsRepeated")
        return self._publish(event, leased)

    def _publish(self, event: RecordingEvent, outcome: Outcome) -> Outcome:
        pending = outcome.pending_alert
        if pending is None or pending.message is None:
            raise ValueError(f"recording {outcome.recording} has no alert to publish")
        if self.now_ms() > pending.lease_until_ms - _LEASE_RESERVE_MS:
            # This thread was left behind when its invocation ended, and goes on in a later one: the lease ran out.
            raise InFlight(f"Recording {outcome.recording}: too late to publish its alert.", pending.lease_until_ms)
        self.topic.publish(pending.message)
        now_ms = self.now_ms()
        self.meter.add("AlertsPublished")
        self.meter.add("EventToAlertMs", now_ms - event.history.first_sent_ms)
        published = outcome.published(now_ms)
        self.outcomes.advance(published)
        return published

    def _details_if_to_be_had(
        self, recording: RecordingId, deadline_ms: int
    ) -> tuple[RecordingDetails | None, AlertsError | None]:
        """One try for what the supervisor knows the recording by; the alert goes out all the same."""
        latest_ms = min(deadline_ms - _DETAILS_RESERVE_MS, self.now_ms() + _DETAILS_PATIENCE_MS)
        try:
            return self.fetch.details(recording, latest_ms), None
        except AlertsError as obstacle:
            return None, obstacle


@dataclass(frozen=True, slots=True)
class _Attempt:
    """One start: the event, the outcome read before the fetch, and when the fetch began."""

    event: RecordingEvent
    standing: Outcome | None
    fetch_started_ms: int

    @property
    def recording(self) -> RecordingId:
        """The canonical id, where an alias told it."""
        return self.standing.recording if self.standing else self.event.recording

    def standing_of(self, recording: RecordingId) -> Outcome | None:
        """The outcome read, if it is this recording's: under a UUID nobody knew, it can be another item's or none."""
        return self.standing if self.standing and self.standing.recording == recording else None


class _Outrun(Conflict):
    """Results were fetched, and another worker wrote the outcome first: perhaps from older ones."""

    def __init__(self, recording: int, digest: str, not_before_ms: int | None) -> None:
        super().__init__(f"Recording {recording}: another worker wrote the outcome first.")
        self.digest = digest
        self.not_before_ms = not_before_ms


def _answered(event: RecordingEvent, standing: Outcome) -> str | None:
    """Why the outcome needs no request for this event; `None` where it does."""
    if event.history.outrun:
        # Different results were seen than the outcome holds: whichever are newer, no time tells, only asking again.
        return "unchanged" if event.history.outrun == standing.results_digest else None
    if event.source is Source.DISCOVERY and standing.judged:
        return "known"
    return "old_news" if standing.answers(event.sent_ms) else None


def _outbox(
    recording: int, fresh: list[Violation], details: RecordingDetails | None, evaluated_at_ms: int
) -> OutboxAlert | None:
    if not fresh:
        return None
    message = alerts.compose(recording, fresh, details, wording.iso(evaluated_at_ms))
    return OutboxAlert(message.alert_id, evaluated_at_ms + LEASE_MS, message)
