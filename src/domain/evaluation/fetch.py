"""Fetch what the rules can judge. Each step is one request.

    FIRST_RESULTS ── goals, or no rule reads them ───────────► judge
       │ 422, or no goals
    DETAILS ── failed ───────────────────────────────────────► the analysis failed
       │  └─── not evaluated ── wait; after an hour ─────────► judge what is there
       │ evaluated
    FINAL_RESULTS ───────────────────────────────────────────► judge

Where rules read the details too, DETAILS comes first. Results are the last request before the judgement, so that none
are fetched and then left for want of requests: newer ones could be lost.
Results without goals are final only if they were fetched after the vendor said that the goals are evaluated.
A fetch can stop before any step. The event's history stores the step and the details that were read, and the next
attempt starts there.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol

from domain.errors import GoalsNotEvaluated, NotAnalysed, NotNow
from domain.evaluation.outcome import Snapshot
from domain.hold import hold_on_refusal
from domain.ports import Clock, RecordingApi, RequestBudget
from domain.recording import RecordingDetails, RecordingId
from domain.retry import History

GOALS_AWAITED_MS: Final = 60 * 60_000
"""How long a recording may wait for its goals. After that the results are judged without them."""


class Step(StrEnum):
    """The next request of a fetch, as a deferred event stores it."""

    FIRST_RESULTS = ""
    DETAILS = "details"
    FINAL_RESULTS = "results"
    RESULTS_WITHOUT_GOALS = "results_without_goals"

    @classmethod
    def _missing_(cls, value: object) -> "Step":  # noqa: ARG003 - the enum passes it
        """A step that another version stored: start over."""
        return cls.FIRST_RESULTS


@dataclass(frozen=True, slots=True)
class Fetched:
    """Results to judge, the details if a step read them, and whether all goals are evaluated."""

    snapshot: Snapshot
    details: RecordingDetails | None = None
    goals_evaluated: bool = True


@dataclass(frozen=True, slots=True)
class AnalysisFailed:
    """The vendor could not analyse the recording. `recording` is its canonical id, if the details hold it."""

    recording: int | None


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing can be judged yet. `error` says why and until when; the next attempt starts at `step`.

    `recording` is the canonical id, if an answer named it. `details` are those that no step will read again.
    """

    step: Step
    error: NotNow
    recording: int | None = None
    details: RecordingDetails | None = None


class Reads(Protocol):
    """What rules read: the goals; the recording's details."""

    @property
    def reads_goals(self) -> bool: ...

    @property
    def reads_details(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class FetchAnalysis:
    api: RecordingApi
    budget: RequestBudget
    now_ms: Clock

    def begin(self, latest_ms: int) -> int:
        """Take the slot of the first request; return when the fetch begins (epoch ms). Raises `BudgetSpent`."""
        self.budget.take(latest_ms)
        return self.now_ms()

    def __call__(
        self, recording: RecordingId, history: History, reads: Reads, *, latest_ms: int
    ) -> Fetched | AnalysisFailed | Wait:
        """Fetch in the slot that `begin` took; each further request waits for a slot until `latest_ms` at most.

        `reads`: what the rules in force read. Raises `NotFound`, `Unusable` and `Refused`.
        """
        goals_overdue = self.now_ms() - history.first_sent_ms >= GOALS_AWAITED_MS
        step = _first_step(history, reads, wait_for_goals=reads.reads_goals and not goals_overdue)
        # Goals that are there are judged, whatever the details say. Each event tries once.
        tries = step is Step.DETAILS and Step(history.stage) is Step.FIRST_RESULTS
        early: Snapshot | None = None
        seen: RecordingDetails | None = None
        try:
            while True:
                match step:
                    case Step.FIRST_RESULTS:
                        early = self._results_if_analysed(recording)
                        if early and (early.results.goals or not reads.reads_goals):
                            return Fetched(early, seen or history.details)
                        step = Step.DETAILS
                        if seen:  # They have just said that the goals are not evaluated.
                            raise _not_yet(recording, analysed=early is not None)
                    case Step.DETAILS:
                        seen = self._details(recording)
                        if seen.status == "failed":
                            return AnalysisFailed(seen.id)
                        if early and goals_overdue and seen.goals_evaluated is not True:
                            return Fetched(early, seen, goals_evaluated=False)
                        step = _after_details(recording, seen, reads, goals_overdue=goals_overdue, tries=tries)
                    case _:
                        final = self._results(recording)
                        goals_evaluated = step is Step.FINAL_RESULTS or bool(final.results.goals)
                        return Fetched(final, seen or history.details, goals_evaluated)
                self.budget.take(latest_ms)
        except NotNow as error:
            step = Step.DETAILS if isinstance(error, NotAnalysed) else step
            number = seen.id if seen else early.results.recording_id if early else None
            details = seen.kept() if seen else history.details
            return Wait(step, error, number, None if step is Step.DETAILS else details)

    def details(self, recording: RecordingId, latest_ms: int) -> RecordingDetails:
        """One request in a slot of its own. Raises what the budget and the API raise."""
        self.budget.take(latest_ms)
        return self._details(recording)

    def _results_if_analysed(self, recording: RecordingId) -> Snapshot | None:
        try:
            return self._results(recording)
        except NotAnalysed:
            return None

    def _results(self, recording: RecordingId) -> Snapshot:
        with hold_on_refusal(self.budget, self.now_ms):
            return self.api.results(recording)

    def _details(self, recording: RecordingId) -> RecordingDetails:
        with hold_on_refusal(self.budget, self.now_ms):
            return self.api.details(recording)


def _after_details(
    recording: RecordingId, seen: RecordingDetails, reads: Reads, *, goals_overdue: bool, tries: bool
) -> Step:
    """`tries`: results are looked at before the goals are waited for. Raises `NotNow` if there is nothing to fetch."""
    if seen.goals_evaluated is True:
        return Step.FINAL_RESULTS
    if seen.status != "completed" and not goals_overdue:
        raise _not_yet(recording, analysed=False)
    if goals_overdue or not reads.reads_goals:
        return Step.RESULTS_WITHOUT_GOALS
    if tries:
        return Step.FIRST_RESULTS
    raise _not_yet(recording, analysed=True)


def _not_yet(recording: RecordingId, *, analysed: bool) -> NotNow:
    if analysed:
        return GoalsNotEvaluated(f"Recording {recording}: its goals are not evaluated yet.")
    return NotAnalysed(f"Recording {recording}: it is not analysed yet.")


def _first_step(history: History, reads: Reads, *, wait_for_goals: bool) -> Step:
    """The step that the last attempt chose, if it may choose it under the rules in force too."""
    step = Step(history.stage)
    lacks_details = reads.reads_details and not history.details
    lacks_goals = step is Step.RESULTS_WITHOUT_GOALS and wait_for_goals
    return Step.DETAILS if lacks_details or lacks_goals else step
