"""The recording's details, where a rule reads them: fetched once, and kept while requests are scarce."""

from typing import Any

import pytest

from domain.evaluation.fetch import Fetched, Step, Wait
from tests.fakes.make import body, goal
from tests.unit.domain.evaluation.fetching import EVALUATED, World, at


@pytest.fixture
def world() -> World:
    return World()


DETAILS_CASES: dict[str, tuple[list[Any], list[Any], bool, list[str], list[str]]] = {
    # results, details, do rules read goals → requests in one attempt, and with one request an attempt
    "goals at once": (
        [body(123, goal())],
        [],
        True,
        ["results", "details"],
        ["results", "details", "results"],
    ),
    "no rule reads goals": ([body(123)], [], False, ["results", "details"], ["results", "details", "results"]),
    "no goals": (
        [body(123)],
        [EVALUATED],
        True,
        ["results", "details", "results"],
        ["results", "details", "results"],
    ),
    "goals come, and are gone again": (
        [body(123, goal()), body(123), body(123, goal())],
        [EVALUATED],
        True,
        ["results", "details"],
        ["results", "details", "results", "details", "results"],
    ),
}


class TestDetailsForRules:
    @pytest.mark.parametrize(
        ("results", "known", "reads_goals", "at_once", "one_by_one"), DETAILS_CASES.values(), ids=DETAILS_CASES
    )
    def test_they_are_fetched_once_and_kept_while_requests_are_scarce(
        self,
        results: list[Any],
        known: list[Any],
        reads_goals: bool,
        at_once: list[str],
        one_by_one: list[str],
    ) -> None:
        for scarce, requests in ((False, at_once), (True, one_by_one)):
            world = World()
            world.vendor_says(results, known)
            run = world.attempts_of_one_request if scarce else world.attempt
            analysis = run(reads_goals=reads_goals, reads_details=True)
            assert isinstance(analysis, Fetched)
            assert analysis.details
            assert analysis.details.name == EVALUATED.name
            assert world.vendor.requests == [f"{request} 123" for request in requests]

    def test_a_step_for_them_is_not_taken_once_no_rule_reads_them(self, world: World) -> None:
        world.vendor_says([body(123, goal())])
        assert isinstance(world.attempt(at("recording")), Fetched)
        assert world.vendor.requests == ["results 123"]

    def test_kept_ones_that_no_rule_reads_any_more_cost_no_request(self, world: World) -> None:
        world.vendor_says([body(123, goal())])
        kept = at("results").model_copy(update={"details": EVALUATED.kept()})
        analysis = world.attempt(kept)
        assert isinstance(analysis, Fetched)
        assert analysis.details == EVALUATED.kept()

    def test_a_step_of_rules_that_read_none_is_followed_by_them(self, world: World) -> None:
        world.vendor_says([body(123, goal())])
        analysis = world.attempt(at("results"), reads_details=True)
        assert isinstance(analysis, Fetched)
        assert analysis.details
        assert world.vendor.requests == ["results 123", "details 123"]

    def test_the_next_attempt_starts_with_them_if_they_had_no_request(self, world: World) -> None:
        world.vendor_says([body(123, goal())])
        world.budget.left = 1
        analysis = world.attempt(reads_details=True)
        assert isinstance(analysis, Wait)
        assert (analysis.step, analysis.recording, analysis.details) == (Step.RECORDING, 123, None)
