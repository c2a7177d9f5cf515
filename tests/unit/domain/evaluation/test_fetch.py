"""The steps of a fetch: in one attempt while requests are free, one request an attempt where they are scarce."""

from typing import Any

import pytest

from domain.errors import KeyRefused, NotFound, Throttled, Unavailable
from domain.evaluation.fetch import GOALS_AWAITED_MS, AnalysisFailed, Fetched, Step, Wait
from domain.recording import RecordingDetails
from tests.fakes.clock import NOON_MS
from tests.fakes.make import body, details, goal, pause
from tests.unit.domain.evaluation.fetching import EARLY, EVALUATED, FAILED, PENDING, WITHOUT_GOALS, World, at


@pytest.fixture
def world() -> World:
    return World()


CASES: dict[str, tuple[list[Any], list[Any], bool, list[str], bool | None]] = {
    # results, details, do rules read goals → requests, are all goals evaluated (None: the analysis failed)
    "goals at once": ([body(123, goal())], [], True, ["results"], True),
    "no goals, and no rule reads any": ([body(123, pause())], [], False, ["results"], True),
    "no goals, and none will come": ([body(123)], [EVALUATED], True, ["results", "details", "results"], True),
    "goals come between": ([body(123), body(123, goal())], [EVALUATED], True, ["results", "details", "results"], True),
    "too early, then there": ([EARLY, body(123, goal())], [EVALUATED], True, ["results", "details", "results"], True),
    "failed, with results": ([body(123)], [FAILED], True, ["results", "details"], None),
    "failed, without results": ([EARLY], [FAILED], True, ["results", "details"], None),
}


@pytest.mark.parametrize("scarce", [False, True], ids=["in one attempt", "one request an attempt"])
@pytest.mark.parametrize(("results", "known", "reads_goals", "requests", "evaluated"), CASES.values(), ids=CASES)
def test_the_requests_and_their_result(
    world: World,
    results: list[Any],
    known: list[Any],
    reads_goals: bool,
    requests: list[str],
    evaluated: bool | None,
    scarce: bool,
) -> None:
    world.vendor_says(results, known)
    run = world.attempts_of_one_request if scarce else world.attempt
    analysis = run(reads_goals=reads_goals)
    assert world.vendor.requests == [f"{request} 123" for request in requests]
    if evaluated is None:
        assert analysis == AnalysisFailed(FAILED.id)
    else:
        assert isinstance(analysis, Fetched)
        assert analysis.goals_evaluated is evaluated


class TestWaitingForGoals:
    @pytest.mark.parametrize(
        ("results", "known", "reads_goals", "reason"),
        [
            (EARLY, PENDING, True, "not_analysed"),
            (EARLY, PENDING, False, "not_analysed"),
            (EARLY, WITHOUT_GOALS, True, "goals_not_evaluated"),
            (body(123), PENDING, True, "not_analysed"),
            (body(123), WITHOUT_GOALS, True, "goals_not_evaluated"),
            (body(123), details(goals_evaluated=None), True, "goals_not_evaluated"),
        ],
    )
    def test_results_that_are_not_final_wait(
        self, world: World, results: Any, known: RecordingDetails, reads_goals: bool, reason: str
    ) -> None:
        world.vendor_says([results], [known])
        analysis = world.attempt(reads_goals=reads_goals)
        assert isinstance(analysis, Wait)
        assert (analysis.step, analysis.error.reason) == (Step.DETAILS, reason)

    @pytest.mark.parametrize(("waited_ms", "waits"), [(GOALS_AWAITED_MS - 1, True), (GOALS_AWAITED_MS, False)])
    def test_after_an_hour_results_are_judged_without_goals(self, world: World, waited_ms: int, waits: bool) -> None:
        world.vendor_says([body(123, pause())], [WITHOUT_GOALS])
        analysis = world.attempt(at("", waited_ms))
        assert isinstance(analysis, Wait) is waits
        if isinstance(analysis, Fetched):
            assert (analysis.goals_evaluated, analysis.details) == (False, WITHOUT_GOALS)
        assert world.vendor.requests == ["results 123", "details 123"]

    def test_results_without_goals_are_not_final_once_a_rule_reads_goals(self, world: World) -> None:
        """The step was chosen under rules that read none."""
        world.vendor_says([body(123)], [WITHOUT_GOALS])
        analysis = world.attempt(at("results_without_goals"))
        assert isinstance(analysis, Wait)
        assert (analysis.step, analysis.error.reason) == (Step.DETAILS, "goals_not_evaluated")
        assert world.vendor.requests == ["details 123"]

    @pytest.mark.parametrize(("found", "evaluated"), [([], False), ([goal()], True)])
    def test_results_without_goals_say_so_unless_goals_came(
        self, world: World, found: list[Any], evaluated: bool
    ) -> None:
        world.vendor_says([body(123, *found)])
        analysis = world.attempt(at("results_without_goals", GOALS_AWAITED_MS))
        assert isinstance(analysis, Fetched)
        assert analysis.goals_evaluated is evaluated
        assert world.vendor.requests == ["results 123"]


class TestScarceRequests:
    @pytest.mark.parametrize(("left", "step"), [(1, Step.DETAILS), (2, Step.FINAL_RESULTS)])
    def test_the_next_attempt_starts_at_the_step_that_had_no_request(self, world: World, left: int, step: Step) -> None:
        world.vendor_says([body(123)], [EVALUATED])
        world.budget.left = left
        analysis = world.attempt()
        assert isinstance(analysis, Wait)
        assert (analysis.step, analysis.error.reason) == (step, "budget")
        assert analysis.error.retry_at_ms == NOON_MS + 30_000

    @pytest.mark.parametrize("failure", [Throttled("429", NOON_MS + 9_000), Unavailable("503", NOON_MS + 9_000)])
    def test_the_next_attempt_starts_at_the_step_that_failed(
        self, world: World, failure: Throttled | Unavailable
    ) -> None:
        world.vendor_says([body(123)], [failure])
        assert world.attempt() == Wait(Step.DETAILS, failure, 123)

    def test_results_that_are_withdrawn_start_at_the_details(self, world: World) -> None:
        world.vendor_says([EARLY])
        assert world.attempt(at("results")) == Wait(Step.DETAILS, EARLY)


class TestErrors:
    @pytest.mark.parametrize("stage", [*Step, "a newer version's"])
    def test_a_404_is_raised_at_every_step(self, world: World, stage: str) -> None:
        world.vendor.describes(123, NotFound("404"))
        with pytest.raises(NotFound):
            world.attempt(at(stage))

    def test_a_refused_key_is_reported_even_if_the_hold_cannot_be_stored(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def unreachable(until_ms: int) -> None:
            raise ConnectionError("the table")

        monkeypatch.setattr(world.budget, "hold", unreachable)
        refusal = KeyRefused("401")
        world.vendor_says([refusal])
        assert world.attempt() == Wait(Step.FIRST_RESULTS, refusal)
