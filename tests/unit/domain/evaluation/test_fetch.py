"""The way to what can be judged: in one go where requests are to be had, one at a time where they are scarce."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from domain.errors import (
    AlertsError,
    BudgetSpent,
    GoalsNotEvaluated,
    KeyRefused,
    NotAnalysed,
    NotFound,
    ResultsDue,
    Throttled,
    Unavailable,
)
from domain.evaluation.fetch import FetchAnalysis, Fetched
from domain.recording import RecordingDetails
from domain.retry import GOALS_AWAITED_MS, Deferred, History, settle
from tests.fakes.clock import NOON_MS, FakeClock
from tests.fakes.make import body, details, fresh_history, goal, pause
from tests.fakes.outside import FakeBudget, FakeVendor

PENDING = details(status="processing", goals_evaluated=False)
WITHOUT_GOALS = details(status="completed", goals_evaluated=False)
EVALUATED = details(status="completed", goals_evaluated=True)
FAILED = details(status="failed", goals_evaluated=None)
EARLY = NotAnalysed("422")


@dataclass
class World:
    clock: FakeClock = field(default_factory=FakeClock)
    vendor: FakeVendor = field(default_factory=FakeVendor)

    def __post_init__(self) -> None:
        self.budget = FakeBudget(self.clock)
        self.fetch = FetchAnalysis(self.vendor, self.budget, self.clock)

    def vendor_says(self, results: list[Any], known: list[Any] | None = None) -> None:
        self.vendor.answers(123, *results)
        self.vendor.describes(123, *(known or [EVALUATED]))

    def attempt(self, history: History | None = None, *, reads_goals: bool = True) -> Fetched | RecordingDetails:
        self.fetch.begin(NOON_MS + 12_000)
        return self.fetch(123, history or fresh_history(), reads_goals=reads_goals, latest_ms=NOON_MS + 12_000)

    def attempts_of_one_request(self, *, reads_goals: bool = True, most: int = 20) -> Fetched | RecordingDetails:
        """Attempt again and again with a budget that gives one request each time, and no second one."""
        history = fresh_history()
        for _ in range(most):
            self.budget.left = 1
            try:
                return self.attempt(history, reads_goals=reads_goals)
            except AlertsError as obstacle:
                deferral = settle(obstacle, history, self.clock(), lambda: 0.0)
                assert isinstance(deferral, Deferred)
                history = deferral.history
                self.clock.advance(max(1, deferral.delay_s * 1_000))
        pytest.fail("it was not brought on by each single request")


@pytest.fixture
def world() -> World:
    return World()


WAYS: dict[str, tuple[list[Any], list[Any], bool, list[str], bool | None]] = {
    # results, details, do rules read goals → requests, are the goals all there (None: the analysis failed)
    "goals at once": ([body(123, goal())], [], True, ["results"], True),
    "no goals, and no rule reads any": ([body(123, pause())], [], False, ["results"], True),
    "no goals, and none to come": ([body(123)], [EVALUATED], True, ["results", "details", "results"], True),
    "goals come between": ([body(123), body(123, goal())], [EVALUATED], True, ["results", "details", "results"], True),
    "too early, then there": ([EARLY, body(123, goal())], [EVALUATED], True, ["results", "details", "results"], True),
    "failed, and results": ([body(123)], [FAILED], True, ["results", "details"], None),
    "failed, and none": ([EARLY], [FAILED], True, ["results", "details"], None),
}


@pytest.mark.parametrize(("results", "known", "reads", "requests", "all_there"), WAYS.values(), ids=WAYS)
class TestWays:
    def test_in_one_go(
        self,
        world: World,
        results: list[Any],
        known: list[Any],
        reads: bool,
        requests: list[str],
        all_there: bool | None,
    ) -> None:
        world.vendor_says(results, known)
        fetched = world.attempt(reads_goals=reads)
        assert world.vendor.requests == [f"{request} 123" for request in requests]
        self.check(fetched, all_there)

    def test_one_request_at_a_time(
        self,
        world: World,
        results: list[Any],
        known: list[Any],
        reads: bool,
        requests: list[str],
        all_there: bool | None,
    ) -> None:
        world.vendor_says(results, known)
        fetched = world.attempts_of_one_request(reads_goals=reads)
        assert world.vendor.requests == [f"{request} 123" for request in requests]
        self.check(fetched, all_there)

    @staticmethod
    def check(fetched: Fetched | RecordingDetails, all_there: bool | None) -> None:
        if all_there is None:
            assert fetched == FAILED
        else:
            assert isinstance(fetched, Fetched)
            assert fetched.goals_evaluated is all_there


class TestWaiting:
    @pytest.mark.parametrize(
        ("results", "known", "reads", "raised"),
        [
            (EARLY, PENDING, True, NotAnalysed),
            (EARLY, PENDING, False, NotAnalysed),
            (EARLY, WITHOUT_GOALS, True, GoalsNotEvaluated),
            (body(123), PENDING, True, NotAnalysed),
            (body(123), WITHOUT_GOALS, True, GoalsNotEvaluated),
            (body(123), details(goals_evaluated=None), True, GoalsNotEvaluated),
        ],
    )
    def test_what_is_not_final_is_waited_for(
        self, world: World, results: Any, known: RecordingDetails, reads: bool, raised: type[AlertsError]
    ) -> None:
        world.vendor_says([results], [known])
        with pytest.raises(raised):
            world.attempt(reads_goals=reads)

    @pytest.mark.parametrize("waited_ms", [GOALS_AWAITED_MS, GOALS_AWAITED_MS + 1])
    def test_after_an_hour_what_is_there_is_judged_and_says_so(self, world: World, waited_ms: int) -> None:
        world.vendor_says([body(123, pause())], [WITHOUT_GOALS])
        fetched = world.attempt(fresh_history(NOON_MS - waited_ms))
        assert isinstance(fetched, Fetched)
        assert (fetched.goals_evaluated, fetched.details) == (False, WITHOUT_GOALS)
        assert world.vendor.requests == ["results 123", "details 123"]

    def test_a_millisecond_before_it_waits(self, world: World) -> None:
        world.vendor_says([body(123, pause())], [WITHOUT_GOALS])
        with pytest.raises(GoalsNotEvaluated):
            world.attempt(fresh_history(NOON_MS - GOALS_AWAITED_MS + 1))

    def test_one_request_at_a_time_comes_through_the_hour_too(self, world: World) -> None:
        world.vendor_says([body(123, pause())], [WITHOUT_GOALS])
        fetched = world.attempts_of_one_request(most=100)
        assert isinstance(fetched, Fetched)
        assert fetched.goals_evaluated is False
        assert world.clock() >= NOON_MS + GOALS_AWAITED_MS


class TestScarceRequests:
    def test_without_any_nothing_is_asked(self, world: World) -> None:
        world.budget.left = 0
        with pytest.raises(BudgetSpent):
            world.attempt()
        assert world.vendor.requests == []

    @pytest.mark.parametrize(
        ("left", "reason", "stage"), [(1, "goals_not_evaluated", "details"), (2, "results_due", "results")]
    )
    def test_what_is_known_so_far_is_remembered_and_the_time_to_come_back(
        self, world: World, left: int, reason: str, stage: str
    ) -> None:
        world.vendor_says([body(123)], [EVALUATED])
        world.budget.left = left
        with pytest.raises(AlertsError) as raised:
            world.attempt()
        deferral = settle(raised.value, fresh_history(), NOON_MS, lambda: 0.0)
        assert isinstance(deferral, Deferred)
        assert (deferral.reason, deferral.history.stage, deferral.delay_s) == (reason, stage, 30)

    def test_a_429_on_the_second_request_is_remembered_likewise(self, world: World) -> None:
        world.vendor_says([body(123)], [Throttled("429", NOON_MS + 9_000)])
        with pytest.raises(GoalsNotEvaluated) as raised:
            world.attempt()
        assert raised.value.retry_at_ms == NOON_MS + 9_000
        assert world.budget.holds == [NOON_MS + 9_000]

    def test_an_outage_in_between_does_not_send_it_back_to_the_start(self, world: World) -> None:
        world.vendor_says([Unavailable("500")])
        history = History(first_sent_ms=NOON_MS, copied_ms=NOON_MS, stage=ResultsDue.stage or "")
        with pytest.raises(Unavailable) as raised:
            world.attempt(history)
        deferral = settle(raised.value, history, NOON_MS, lambda: 0.0)
        assert isinstance(deferral, Deferred)
        assert deferral.history.stage == ResultsDue.stage

    @pytest.mark.parametrize(("found", "all_there"), [([], False), ([goal()], True)])
    def test_results_due_after_the_hour_without_goals_say_what_they_are(
        self, world: World, found: list[Any], all_there: bool
    ) -> None:
        world.vendor_says([body(123, *found)])
        fetched = world.attempt(History(first_sent_ms=NOON_MS, copied_ms=NOON_MS, stage=ResultsDue.stage_without_goals))
        assert isinstance(fetched, Fetched)
        assert fetched.goals_evaluated is all_there
        assert world.vendor.requests == ["results 123"]


class TestErrors:
    @pytest.mark.parametrize("stage", ["", "details", "results", "results_without_goals", "a newer version's"])
    def test_a_404_is_one_at_every_stage(self, world: World, stage: str) -> None:
        world.vendor.describes(123, NotFound("404"))
        with pytest.raises(NotFound):
            world.attempt(History(first_sent_ms=NOON_MS, copied_ms=NOON_MS, stage=stage))

    def test_a_refused_key_that_cannot_be_told_to_the_others_is_one_all_the_same(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def unreachable(until_ms: int) -> None:
            raise ConnectionError("the table")

        monkeypatch.setattr(world.budget, "hold", unreachable)
        world.vendor_says([KeyRefused("401")])
        with pytest.raises(KeyRefused):
            world.attempt()
