"""Fetch what can be judged, by whatever way the vendor tells how far its analysis is.

    results ── goals, or no rule reads them ──────────────► judge
       │ 422, or no goals
    details ── failed ────────────────────────────────────► the analysis failed
       │  └─── not evaluated ── wait; after an hour ──────► judge what is there
       │ evaluated
    results ──────────────────────────────────────────────► judge

Results without goals are final only if they were fetched after the vendor had said that the goals are evaluated. Where
requests are scarce each of the three can be a deferral apart: the history's `stage` tells where the next attempt takes
it up, so that every single request brings the recording on.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from domain.errors import (
    BudgetSpent,
    GoalsNotEvaluated,
    KeyMissing,
    KeyRefused,
    NotAnalysed,
    NotNow,
    ResultsDue,
    Throttled,
)
from domain.evaluation.outcome import Snapshot
from domain.ports import Clock, RecordingApi, RequestBudget
from domain.recording import RecordingDetails, RecordingId
from domain.retry import GOALS_AWAITED_MS, History

_HOLD_MS: Final = 60_000
"""How long nobody sends a request after a refused key, or a 429 that does not say how long."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Fetched:
    """Results to judge, the details where they were read on the way, and whether the goals are all there."""

    snapshot: Snapshot
    details: RecordingDetails | None = None
    goals_evaluated: bool = True


@dataclass(frozen=True, slots=True)
class FetchAnalysis:
    api: RecordingApi
    budget: RequestBudget
    now_ms: Clock

    def begin(self, latest_ms: int) -> int:
        """Take the slot of the first request; when the fetch begins, in epoch ms."""
        self.budget.take(latest_ms)
        return self.now_ms()

    def __call__(
        self, recording: RecordingId, history: History, *, reads_goals: bool, latest_ms: int
    ) -> Fetched | RecordingDetails:
        """What can be judged, or the details of a recording whose analysis has failed. To be called in the slot that
        `begin` took. Raises `NotFound` and whatever is not now."""
        match history.stage:
            case ResultsDue.stage:
                return Fetched(self._send(lambda: self.api.results(recording)))
            case ResultsDue.stage_without_goals:
                snapshot = self._send(lambda: self.api.results(recording))
                return Fetched(snapshot, goals_evaluated=bool(snapshot.results.goals))
            case NotAnalysed.stage:
                early, details = None, self._send(lambda: self.api.details(recording))
            case _:
                early, unfinished = self._first_look(recording)
                if early and (early.results.goals or not reads_goals):
                    return Fetched(early)
                details = self._next(lambda: self.api.details(recording), latest_ms, unfinished)
        if details.status == "failed":
            return details
        evaluated = details.goals_evaluated is True
        if not evaluated and self.now_ms() - history.first_sent_ms < GOALS_AWAITED_MS:
            self._wait(recording, details, reads_goals)
        if early and not evaluated:
            return Fetched(early, details, goals_evaluated=False)
        due = ResultsDue(f"Recording {recording}: analysed, its results to be fetched.", goals_evaluated=evaluated)
        final = self._next(lambda: self.api.results(recording), latest_ms, due)
        return Fetched(final, details, evaluated or bool(final.results.goals))

    def details(self, recording: RecordingId, latest_ms: int) -> RecordingDetails:
        """One request with a slot of its own."""
        self.budget.take(latest_ms)
        return self._send(lambda: self.api.details(recording))

    def _first_look(self, recording: RecordingId) -> tuple[Snapshot | None, NotNow]:
        """Results, if there are any yet, and what it is if they are not all."""
        try:
            snapshot = self._send(lambda: self.api.results(recording))
        except NotAnalysed as early:
            return None, early
        return snapshot, GoalsNotEvaluated(f"Recording {recording}: its goals may not be evaluated yet.")

    def _wait(self, recording: RecordingId, details: RecordingDetails, reads_goals: bool) -> None:
        if details.status != "completed":
            raise NotAnalysed(f"Recording {recording}: it is not analysed yet.")
        if reads_goals:
            raise GoalsNotEvaluated(f"Recording {recording}: its goals are not evaluated yet.")

    def _next(self, request: Callable[[], T], latest_ms: int, otherwise: NotNow) -> T:
        """A further request; where none is to be had now, `otherwise` remembers how far it has got."""
        try:
            self.budget.take(latest_ms)
            return self._send(request)
        except (BudgetSpent, Throttled) as denied:
            otherwise.retry_at_ms = denied.retry_at_ms
            raise otherwise from None

    def _send(self, request: Callable[[], T]) -> T:
        """Send; a 429 or a refused key holds everybody's requests, since theirs would fare no better."""
        try:
            return request()
        except (Throttled, KeyRefused, KeyMissing) as refusal:
            try:
                self.budget.hold(refusal.retry_at_ms or self.now_ms() + _HOLD_MS)
            except Exception as error:
                # What the vendor asked for must not be forgotten because it could not be told to the others.
                raise refusal from error
            raise
