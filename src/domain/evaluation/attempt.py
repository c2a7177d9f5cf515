"""One attempt at an outcome: read, fetch, judge, save, publish.

A crash between any two steps and a redelivery end in the same state. The outcome is saved with its alert pending, and
a pending alert whose lease has expired is published before anything else.
"""

from dataclasses import dataclass, replace
from typing import Final

from domain import wording
from domain.alerts import alert as alerts
from domain.errors import AlertsError, Conflict, Contended, NotFound, OutOfTime, Unavailable
from domain.evaluation.event import Duplicate, Evaluated, RecordingEvent
from domain.evaluation.fetch import AnalysisFailed, FetchAnalysis, Fetched, Wait
from domain.evaluation.outbox import Outbox
from domain.evaluation.outcome import OutboxAlert, Outcome, Status, keep, keep_shadow
from domain.lease import LEASE_MS
from domain.ports import Clock, OutcomeTable, RuleBook
from domain.recording import RecordingDetails, RecordingId
from domain.retry import not_found_for_good
from domain.rules.call import Call
from domain.rules.document import RuleSet
from domain.rules.judge import NOTHING, judge, judge_shadow
from domain.rules.violation import Violation
from domain.triggers.source import Source

_START_RESERVE_MS: Final = 18_000
"""The time limits of both requests, and the writes. If AWS hangs as well, SQS redelivers."""
_DETAILS_RESERVE_MS: Final = 12_000
_DETAILS_PATIENCE_MS: Final = 2_000


@dataclass(frozen=True, slots=True)
class Unfinished:
    """The results with this digest were fetched. Another worker wrote the outcome, perhaps from older results, or the
    alert could not be published.

    `error` says why. A `Conflict` may be tried again at once.
    """

    digest: str
    error: AlertsError


@dataclass(frozen=True, slots=True)
class _Begun:
    """The event, the outcome stored before the fetch, when the fetch began, and when all has to be done."""

    event: RecordingEvent
    stored: Outcome | None
    fetch_started_ms: int
    deadline_ms: int

    @property
    def recording(self) -> RecordingId:
        """The canonical id, if an alias is stored."""
        return self.stored.recording if self.stored else self.event.recording

    def stored_for(self, recording: RecordingId) -> Outcome | None:
        """The stored outcome, if it is this recording's: that of an unknown UUID is another item."""
        return self.stored if self.stored and self.stored.recording == recording else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    fetch: FetchAnalysis
    rules: RuleBook
    outcomes: OutcomeTable
    outbox: Outbox
    now_ms: Clock

    def __call__(self, event: RecordingEvent, deadline_ms: int) -> Evaluated | Duplicate | Wait | Unfinished:
        """Raises `Conflict` if another worker wrote first and nothing was fetched; other `AlertsError` to settle."""
        if self.now_ms() > deadline_ms - _START_RESERVE_MS:
            raise OutOfTime(f"Recording {event.recording}: too little time was left to start.", self.now_ms())
        stored = self.outcomes.read(event.recording)
        carried_on = False
        if stored and stored.pending_alert:
            stored = self.outbox.carry_on(stored, event.history.first_sent_ms)
            carried_on = True
        if stored and (reason := _answered(event, stored)):
            if reason == "unchanged":
                # A worker that read the outcome before this event's fetch holds older results. Its write must fail.
                self.outcomes.advance(stored.confirmed(stored.fetch_started_ms))
            return Duplicate(stored.recording, reason, carried_on)
        return self._fetch_and_judge(event, stored, deadline_ms)

    def _fetch_and_judge(
        self, event: RecordingEvent, stored: Outcome | None, deadline_ms: int
    ) -> Evaluated | Duplicate | Wait | Unfinished:
        rules = self.rules()  # Before the request is spent: without valid rules nothing can be judged.
        latest_ms = deadline_ms - _START_RESERVE_MS
        begun = _Begun(event, stored, self.fetch.begin(latest_ms), deadline_ms)
        try:
            fetched = self.fetch(event.recording, event.history, rules, latest_ms=latest_ms)
        except NotFound:
            if not not_found_for_good(event.history):
                raise
            return self._save_without_results(begun, Status.NOT_FOUND, begun.recording)
        match fetched:
            case Wait():
                return fetched
            case AnalysisFailed(recording):
                return self._save_without_results(begun, Status.ANALYSIS_FAILED, recording or begun.recording)
            case Fetched():
                if stored and fetched.snapshot.is_judged_by(stored):
                    return self._confirm(begun, stored, fetched.snapshot.digest)
                return self._judge(begun, fetched, rules)

    def _confirm(self, begun: _Begun, stored: Outcome, digest: str) -> Duplicate | Unfinished:
        """The stored outcome was judged from what was fetched again."""
        try:
            self.outcomes.advance(stored.confirmed(begun.fetch_started_ms, digest))
        except AlertsError as error:
            return Unfinished(digest, error)  # Another worker may just have replaced it, by older results.
        return Duplicate(stored.recording, "unchanged")

    def _judge(self, begun: _Begun, fetched: Fetched, rules: RuleSet) -> Evaluated | Unfinished:
        snapshot, details = fetched.snapshot, fetched.details
        recording = snapshot.results.recording_id
        stored = begun.stored_for(recording)
        # Without a rule in force that waits for them, nobody knows whether goals that are absent will come.
        goals_known = rules.reads_goals or bool(snapshot.results.goals) or _evaluated(details)
        call = Call(snapshot.results, snapshot.keywords, details, goals_known=goals_known)
        judged = judge(rules, call)
        violations = judged.violations
        alerted = stored.alerted if stored else frozenset()
        new = [violation for violation in violations if violation.fingerprint not in alerted]
        details_error: AlertsError | None = None
        if new and details is None:
            details, details_error = self._details_or_error(begun.event.recording, begun.deadline_ms)
        kept = details.kept() if details else stored.details if stored else None
        in_shadow = judge_shadow(rules, replace(call, details=kept)) if rules.shadow else NOTHING
        evaluated_at_ms = self.now_ms()
        outcome = Outcome(
            recording=recording,
            status=Status.VIOLATIONS if violations else Status.CLEAR,
            revision=stored.revision + 1 if stored else 1,
            source=begun.event.source,
            fetch_started_ms=begun.fetch_started_ms,
            evaluated_at_ms=evaluated_at_ms,
            violations=keep(violations),
            violations_total=len(violations),
            results_digest=snapshot.digest,
            rules_version=rules.digest,
            goals_evaluated=fetched.goals_evaluated,
            alert=_pending(recording, new, details, evaluated_at_ms) or (stored.alert if stored else None),
            alerted=alerted.union(violation.fingerprint for violation in new),
            details=kept,
            unjudged=judged.unjudged,
            shadow=keep_shadow(in_shadow),
            snapshot=snapshot,
        )
        try:
            self._save(begun, outcome)
            if outcome.pending_alert:
                self.outbox.publish(outcome, begun.event.history.first_sent_ms)
        except AlertsError as error:
            return Unfinished(snapshot.digest, _no_sooner_than_asked(error, details_error))
        return Evaluated(outcome, bool(new), details_error.reason if details_error else None)

    def _save_without_results(self, begun: _Begun, status: Status, recording: RecordingId) -> Evaluated | Duplicate:
        """Save that the recording cannot be judged. A judged outcome stays."""
        stored = begun.stored_for(recording)
        if stored and stored.judged:
            return Duplicate(recording, "kept")
        if stored and stored.status is status:
            self.outcomes.advance(stored.confirmed(begun.fetch_started_ms))
            return Duplicate(recording, "unchanged")
        outcome = Outcome(
            recording=recording,
            status=status,
            revision=stored.revision + 1 if stored else 1,
            source=begun.event.source,
            fetch_started_ms=begun.fetch_started_ms,
            evaluated_at_ms=self.now_ms(),
        )
        self._save(begun, outcome)
        return Evaluated(outcome, alerted=False)

    def _save(self, begun: _Begun, outcome: Outcome) -> None:
        named = begun.event.recording
        if isinstance(named, str) and isinstance(outcome.recording, int) and not begun.stored_for(outcome.recording):
            self.outcomes.remember_alias(named, outcome.recording)
        if self.now_ms() > begun.deadline_ms:
            # Lambda froze the thread and thawed it in a later invocation. Other rules may be in force by now.
            raise OutOfTime(f"Recording {outcome.recording}: too late to save its outcome.", self.now_ms())
        self.outcomes.save(outcome)

    def _details_or_error(
        self, recording: RecordingId, deadline_ms: int
    ) -> tuple[RecordingDetails | None, AlertsError | None]:
        """Ask once for the recording's name and date. The alert goes out without them."""
        latest_ms = min(deadline_ms - _DETAILS_RESERVE_MS, self.now_ms() + _DETAILS_PATIENCE_MS)
        try:
            return self.fetch.details(recording, latest_ms), None
        except AlertsError as error:
            return None, error


def _no_sooner_than_asked(error: AlertsError, details_error: AlertsError | None) -> AlertsError:
    """A lost write is tried again at once, which may ask the vendor again. The details' answer may ask for a pause."""
    if isinstance(error, Conflict) and isinstance(details_error, Unavailable) and details_error.retry_at_ms:
        return Contended(f"{details_error} Another worker wrote the outcome first.", details_error.retry_at_ms)
    return error


def _evaluated(details: RecordingDetails | None) -> bool:
    return details is not None and details.goals_evaluated is True


def _answered(event: RecordingEvent, stored: Outcome) -> str | None:
    """Why the stored outcome answers this event without a request; `None` if it does not."""
    if event.history.outrun:
        # Only another request tells whether the stored results or those seen before are newer.
        return "unchanged" if event.history.outrun == stored.results_digest else None
    if event.source is Source.DISCOVERY and stored.judged:
        return "known"
    return "old_news" if stored.answers(event.sent_ms) else None


def _pending(
    recording: int, new: list[Violation], details: RecordingDetails | None, evaluated_at_ms: int
) -> OutboxAlert | None:
    if not new:
        return None
    message = alerts.compose(recording, new, details, wording.iso(evaluated_at_ms))
    return OutboxAlert(message.alert_id, evaluated_at_ms + LEASE_MS, message)
