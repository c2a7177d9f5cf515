"""The recording's details, where a rule reads them: fetched once, and kept while requests are scarce."""

from typing import Any

import pytest

from domain.evaluation.fetch import Fetched, Step, Wait
from domain.recording import RecordingDetails
from tests.fakes.make import body, goal
from tests.unit.domain.evaluation.fetching import EVALUATED, WITHOUT_GOALS, World, at


@pytest.fixture
def world() -> World:
    return World()


CASES: dict[str, tuple[list[Any], RecordingDetails, bool]] = {
    # results, details, do rules read goals
    "goals": ([body(123, goal())], EVALUATED, True),
    "no goals, and none will come": ([body(123)], EVALUATED, True),
    "no rule reads goals": ([body(123)], WITHOUT_GOALS, False),
    "goals that the details deny": ([body(123, goal())], WITHOUT_GOALS, True),
}


class TestDetailsForRules:
    @pytest.mark.parametrize("scarce", [False, True], ids=["in one attempt", "one request an attempt"])
    @pytest.mark.parametrize(("results", "known", "reads_goals"), CASES.values(), ids=CASES)
    def test_they_come_first_and_are_kept_while_requests_are_scarce(
        self, world: World, results: list[Any], known: RecordingDetails, reads_goals: bool, scarce: bool
    ) -> None:
        """Results that were fetched are judged at once. Newer ones could be lost while they waited."""
        world.vendor_says(results, [known])
        run = world.attempts_of_one_request if scarce else world.attempt
        analysis = run(reads_goals=reads_goals, reads_details=True)
        assert isinstance(analysis, Fetched)
        assert analysis.details
        assert analysis.details.name == known.name
        assert world.vendor.requests == ["details 123", "results 123"]

    def test_goals_that_are_neither_there_nor_evaluated_are_looked_for_once(self, world: World) -> None:
        world.vendor_says([body(123)], [WITHOUT_GOALS])
        first = world.attempt(reads_details=True)
        assert isinstance(first, Wait)
        assert (first.step, first.error.reason) == (Step.DETAILS, "goals_not_evaluated")
        assert isinstance(world.attempt(at("details"), reads_details=True), Wait)
        assert world.vendor.requests == ["details 123", "results 123", "details 123"]

    def test_kept_ones_that_no_rule_reads_any_more_cost_no_request(self, world: World) -> None:
        world.vendor_says([body(123, goal())])
        kept = at("results").model_copy(update={"details": EVALUATED.kept()})
        analysis = world.attempt(kept)
        assert isinstance(analysis, Fetched)
        assert analysis.details == EVALUATED.kept()

    @pytest.mark.parametrize("step", ["results", "results_without_goals"])
    def test_a_step_of_rules_that_read_none_starts_with_them(self, world: World, step: str) -> None:
        world.vendor_says([body(123, goal())])
        analysis = world.attempt(at(step), reads_details=True)
        assert isinstance(analysis, Fetched)
        assert analysis.details
        assert world.vendor.requests == ["details 123", "results 123"]

    def test_the_next_attempt_keeps_them_if_the_results_had_no_request(self, world: World) -> None:
        world.vendor_says([body(123, goal())])
        world.budget.left = 1
        analysis = world.attempt(reads_details=True)
        assert isinstance(analysis, Wait)
        assert (analysis.step, analysis.recording, analysis.details) == (Step.FINAL_RESULTS, 123, EVALUATED.kept())
