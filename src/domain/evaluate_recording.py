"""The main use case: one event about one recording becomes one outcome and, for what is new, one alert.

Read → fetch → judge → save → publish → mark. A crash between any two steps and a redelivery end in the same state: the
outcome is saved with its alert pending, and whoever meets a pending alert whose lease ran out carries it on first.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, TypeVar

from domain import alert as alerts
from domain import wording
from domain.delivery import (
    GOALS_AWAITED_MS,
    DeadLettered,
    Deferred,
    History,
    Random,
    not_found_for_good,
    settle,
    still_waiting,
)
from domain.errors import (
    AlertsError,
    BudgetSpent,
    Conflict,
    Contended,
    GoalsNotEvaluated,
    InFlight,
    KeyMissing,
    KeyRefused,
    NotAnalysed,
    NotFound,
    NotNow,
    OutOfTime,
    ResultsDue,
    Throttled,
)
from domain.outcome import LEASE_MS, OutboxAlert, Outcome, Snapshot, Source, Status, keep
from domain.ports import AlertTopic, Clock, OutcomeTable, RecordingApi, RequestBudget, RuleBook
from domain.recording import RecordingDetails, RecordingId
from domain.rules import RuleSet
from domain.violation import Violation

_START_RESERVE_MS: Final = 18_000
"""What one evaluation can take at worst after its slot: both requests and the writes with their retries."""
_DETAILS_RESERVE_MS: Final = 8_000
_DETAILS_PATIENCE_MS: Final = 2_000
_HOLD_MS: Final = 60_000
_STARTS: Final = 4

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class RecordingEvent:
    """Somebody says that this recording has been analysed."""

    recording: RecordingId
    source: Source
    history: History


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
    api: RecordingApi
    rules: RuleBook
    outcomes: OutcomeTable
    topic: AlertTopic
    budget: RequestBudget
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
            except Conflict:
                continue  # Another worker wrote this outcome first: read it again and start over.
            except AlertsError as obstacle:
                return settle(obstacle, event.history, self.now_ms(), self.random)
        contended = Contended(f"Recording {event.recording}: other workers kept writing its outcome first.")
        return settle(contended, event.history, self.now_ms(), self.random)

    def _evaluate(self, event: RecordingEvent, deadline_ms: int) -> Result:
        if self.now_ms() > deadline_ms - _START_RESERVE_MS:
            raise OutOfTime(f"Recording {event.recording}: too little time was left to start.", self.now_ms())
        standing = self.outcomes.read(event.recording)
        carried_on = False
        if standing and standing.pending_alert:
            standing = self._carry_on(standing, standing.pending_alert)
            carried_on = True
        if standing and (known := _answered(event, standing)):
            return Duplicate(standing.recording, known, carried_on)
        return self._fetch_and_judge(event, standing, deadline_ms)

    def _fetch_and_judge(self, event: RecordingEvent, standing: Outcome | None, deadline_ms: int) -> Result:
        rules = self.rules()  # Before the request is spent: without valid rules nothing can be judged.
        self.budget.take(deadline_ms - _START_RESERVE_MS)
        attempt = _Attempt(event, standing, fetch_started_ms=self.now_ms())
        try:
            return self._judge_what_is_fetched(attempt, rules, deadline_ms)
        except NotFound:
            # Of the results or, where the recording goes between the two requests, of the details.
            if not not_found_for_good(event.history):
                raise
            return self._conclude(attempt, Status.NOT_FOUND, attempt.recording)

    def _judge_what_is_fetched(self, attempt: "_Attempt", rules: RuleSet, deadline_ms: int) -> Result:
        standing = attempt.standing
        fetched = self._fetch(attempt, rules, deadline_ms - _START_RESERVE_MS)
        if isinstance(fetched, RecordingDetails):
            return self._conclude(attempt, Status.ANALYSIS_FAILED, fetched.id or attempt.recording)
        if standing and standing.judged and standing.results_digest == fetched.snapshot.digest:
            self.outcomes.advance(standing.confirmed(attempt.fetch_started_ms))
            return Duplicate(standing.recording, "unchanged")
        return self._judge(attempt, fetched, rules, deadline_ms)

    def _fetch(self, attempt: "_Attempt", rules: RuleSet, latest_ms: int) -> "_Fetched | RecordingDetails":
        """What can be judged, or the details of a recording whose analysis has failed.

        Results without goals are final only if they were fetched after the vendor had said that goals are evaluated.
        How far that has got is told by the deferrals so far, so that each single request brings it on, however scarce
        requests are.
        """
        recording, history = attempt.event.recording, attempt.event.history
        if history.count(ResultsDue.reason):
            final = self._holding_on_refusal(lambda: self.api.results(recording))
            return _Fetched(final, None, bool(final.results.goals) or not self._waited_enough(attempt.event))
        snapshot: Snapshot | None = None
        if history.count(NotAnalysed.reason) or history.count(GoalsNotEvaluated.reason):
            details = self._holding_on_refusal(lambda: self.api.details(recording))
        else:
            try:
                snapshot = self._holding_on_refusal(lambda: self.api.results(recording))
                if snapshot.results.goals or not rules.reads_goals:
                    return _Fetched(snapshot)
                unfinished: NotNow = GoalsNotEvaluated(f"Recording {recording}: its goals may not be evaluated yet.")
            except NotAnalysed as obstacle:
                unfinished = obstacle
            try:
                details = self._request(lambda: self.api.details(recording), latest_ms)
            except (BudgetSpent, Throttled) as denied:
                unfinished.retry_at_ms = denied.retry_at_ms
                raise unfinished from None
        if details.status == "failed":
            return details
        self._wait_for_the_analysis(attempt.event, details, rules)
        if snapshot and details.goals_evaluated is not True:
            return _Fetched(snapshot, details, goals_evaluated=False)
        try:
            final = self._request(lambda: self.api.results(recording), latest_ms)
        except (BudgetSpent, Throttled) as denied:
            raise ResultsDue(
                f"Recording {recording}: analysed, its results to be fetched.", denied.retry_at_ms
            ) from None
        return _Fetched(final, details, bool(final.results.goals) or details.goals_evaluated is True)

    def _wait_for_the_analysis(self, event: RecordingEvent, details: RecordingDetails, rules: RuleSet) -> None:
        if details.goals_evaluated is True or self._waited_enough(event):
            return
        if details.status != "completed":
            raise NotAnalysed(f"Recording {event.recording}: it is not analysed yet.")
        if rules.reads_goals:
            raise GoalsNotEvaluated(f"Recording {event.recording}: its goals are not evaluated yet.")

    def _waited_enough(self, event: RecordingEvent) -> bool:
        return self.now_ms() - event.history.first_sent_ms >= GOALS_AWAITED_MS

    def _judge(
        self,
        attempt: "_Attempt",
        fetched: "_Fetched",
        rules: RuleSet,
        deadline_ms: int,
    ) -> Result:
        snapshot, details = fetched.snapshot, fetched.details
        recording = snapshot.results.recording_id
        standing = attempt.standing_of(recording)
        violations = rules.judge(snapshot.results)
        alerted = standing.alerted if standing else frozenset()
        fresh = [violation for violation in violations if violation.fingerprint not in alerted]
        obstacle = None
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
            raise _Outrun(snapshot.digest) from None
        if outcome.pending_alert:
            self._publish(outcome, outcome.pending_alert)
        return Evaluated(outcome, bool(fresh), obstacle)

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

    def _carry_on(self, standing: Outcome, pending: OutboxAlert) -> Outcome:
        """Publish an alert that its worker left pending, from the outbox, without asking the vendor."""
        now_ms = self.now_ms()
        if pending.lease_until_ms > now_ms:
            raise InFlight(
                f"Recording {standing.recording}: its alert {pending.alert_id} is being published by another worker.",
                pending.lease_until_ms,
            )
        leased = standing.leased(now_ms + LEASE_MS)
        self.outcomes.advance(leased)
        return self._publish(leased, pending)

    def _publish(self, outcome: Outcome, pending: OutboxAlert) -> Outcome:
        if pending.message is None:
            raise ValueError(f"the pending alert of recording {outcome.recording} has no message")
        self.topic.publish(pending.message)
        published = outcome.published(self.now_ms())
        self.outcomes.advance(published)
        return published

    def _details_if_to_be_had(
        self, recording: RecordingId, deadline_ms: int
    ) -> tuple[RecordingDetails | None, str | None]:
        """One try for what the supervisor knows the recording by; the alert goes out all the same."""
        latest_ms = min(deadline_ms - _DETAILS_RESERVE_MS, self.now_ms() + _DETAILS_PATIENCE_MS)
        try:
            return self._request(lambda: self.api.details(recording), latest_ms), None
        except AlertsError as obstacle:
            return None, obstacle.reason

    def _request(self, send: Callable[[], T], latest_ms: int) -> T:
        self.budget.take(latest_ms)
        return self._holding_on_refusal(send)

    def _holding_on_refusal(self, send: Callable[[], T]) -> T:
        """Send; a 429 or a refused key holds everybody's requests, since theirs would fare no better."""
        try:
            return send()
        except (Throttled, KeyRefused, KeyMissing) as obstacle:
            self.budget.hold(obstacle.retry_at_ms or self.now_ms() + _HOLD_MS)
            raise


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


@dataclass(frozen=True, slots=True)
class _Fetched:
    """Results to judge, the details where they were read on the way, and whether the goals are all there."""

    snapshot: Snapshot
    details: RecordingDetails | None = None
    goals_evaluated: bool = True


class _Outrun(Conflict):
    """Results were fetched, and another worker wrote the outcome first: perhaps from older ones."""

    def __init__(self, digest: str) -> None:
        super().__init__("Another worker wrote the outcome first.")
        self.digest = digest


def _answered(event: RecordingEvent, standing: Outcome) -> str | None:
    """Why the outcome needs no request for this event; `None` where it does."""
    if event.history.outrun:
        # Different results were seen than the outcome holds: whichever are newer, no time tells, only asking again.
        return "unchanged" if event.history.outrun == standing.results_digest else None
    if event.source is Source.DISCOVERY:
        return "known"
    return "old_news" if standing.answers(event.history.first_sent_ms) else None


def _outbox(
    recording: int, fresh: list[Violation], details: RecordingDetails | None, evaluated_at_ms: int
) -> OutboxAlert | None:
    if not fresh:
        return None
    message = alerts.compose(recording, fresh, details, wording.iso(evaluated_at_ms))
    return OutboxAlert(message.alert_id, evaluated_at_ms + LEASE_MS, message)
