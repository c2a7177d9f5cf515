"""Fetch what the rules can judge. Each step is one request.

    FIRST_RESULTS ── goals, or no rule reads them ───────────► judge
       │ 422, or no goals
    DETAILS ── failed ───────────────────────────────────────► the analysis failed
       │  └─── not evaluated ── wait; after an hour ─────────► judge what is there
       │ evaluated
    FINAL_RESULTS ───────────────────────────────────────────► judge

Where rules read the details too, and no step has read them, RECORDING comes before the judgement.
Results without goals are final only if they were fetched after the vendor said that the goals are evaluated.
A fetch can stop before any step, for want of requests. The event's history stores the step and the details that were
read, and the next attempt starts there. Results are never stored: after RECORDING it fetches them anew.
"""

from dataclasses import dataclass, replace
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
    RECORDING = "recording"

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
        early: Snapshot | None = None
        complete: Fetched | None = None
        details = history.details
        number: int | None = None
        try:
            while True:
                match step:
                    case Step.FIRST_RESULTS:
                        early = self._results_if_analysed(recording)
                        done = early and (early.results.goals or not reads.reads_goals)
                        complete = Fetched(early, details) if early and done else None
                        step = Step.DETAILS
                    case Step.DETAILS:
                        details = self._details(recording)
                        number = details.id
                        if details.status == "failed":
                            return AnalysisFailed(details.id)
                        evaluated = details.goals_evaluated is True
                        if not (evaluated or goals_overdue):
                            _wait_for_goals(recording, details, reads)
                        if early and not evaluated:
                            return Fetched(early, details, goals_evaluated=False)
                        step = Step.FINAL_RESULTS if evaluated else Step.RESULTS_WITHOUT_GOALS
                    case Step.RECORDING:
                        details = self._details(recording)
                        number = details.id
                        complete = complete and replace(complete, details=details)
                        step = Step.FIRST_RESULTS
                    case _:
                        final = self._results(recording)
                        goals_evaluated = step is Step.FINAL_RESULTS or bool(final.results.goals)
                        complete = Fetched(final, details, goals_evaluated)
                if complete:
                    if complete.details or not reads.reads_details:
                        return complete
                    number = number or complete.snapshot.results.recording_id
                    step = Step.RECORDING
                self.budget.take(latest_ms)
        except NotNow as error:
            number = number or (early.results.recording_id if early else None)
            step = Step.DETAILS if isinstance(error, NotAnalysed) else step
            read_again = step in {Step.DETAILS, Step.RECORDING}
            return Wait(step, error, number, None if read_again or not details else details.kept())

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


def _wait_for_goals(recording: RecordingId, details: RecordingDetails, reads: Reads) -> None:
    if details.status != "completed":
        raise NotAnalysed(f"Recording {recording}: it is not analysed yet.")
    if reads.reads_goals:
        raise GoalsNotEvaluated(f"Recording {recording}: its goals are not evaluated yet.")


def _first_step(history: History, reads: Reads, *, wait_for_goals: bool) -> Step:
    """The step that the last attempt chose, if it may choose it under the rules in force too."""
    match Step(history.stage):
        case Step.RESULTS_WITHOUT_GOALS if wait_for_goals:
            return Step.DETAILS
        case Step.RECORDING if not reads.reads_details:
            return Step.FIRST_RESULTS
        case step:
            return step
