"""A fetch with its vendor and its budget, in one attempt or with one request an attempt."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from domain.errors import NotAnalysed
from domain.evaluation.fetch import AnalysisFailed, FetchAnalysis, Fetched, Wait
from domain.retry import Deferred, History, settle
from tests.fakes.clock import NOON_MS, FakeClock
from tests.fakes.make import details, fresh_history
from tests.fakes.outside import FakeBudget, FakeVendor

PENDING = details(status="processing", goals_evaluated=False)
WITHOUT_GOALS = details(status="completed", goals_evaluated=False)
EVALUATED = details(status="completed", goals_evaluated=True)
FAILED = details(status="failed", goals_evaluated=None)
EARLY = NotAnalysed("422")

Analysis = Fetched | AnalysisFailed | Wait


@dataclass
class Needs:
    """What the rules read."""

    reads_goals: bool
    reads_details: bool


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

    def attempt(
        self, history: History | None = None, *, reads_goals: bool = True, reads_details: bool = False
    ) -> Analysis:
        self.fetch.begin(NOON_MS + 12_000)
        return self.fetch(
            123, history or fresh_history(), Needs(reads_goals, reads_details), latest_ms=NOON_MS + 12_000
        )

    def attempts_of_one_request(
        self, *, reads_goals: bool = True, reads_details: bool = False, most: int = 20
    ) -> Analysis:
        """Attempt again and again, with one request each time."""
        history = fresh_history()
        for _ in range(most):
            self.budget.left = 1
            analysis = self.attempt(history, reads_goals=reads_goals, reads_details=reads_details)
            if not isinstance(analysis, Wait):
                return analysis
            waiting = history.model_copy(update={"stage": analysis.step, "details": analysis.details})
            deferral = settle(analysis.error, waiting, self.clock(), lambda: 0.0)
            assert isinstance(deferral, Deferred)
            history = deferral.history
            self.clock.advance(max(1, deferral.delay_s * 1_000))
        pytest.fail("the fetch did not end")


def at(step: str, waited_ms: int = 0) -> History:
    return History(first_sent_ms=NOON_MS - waited_ms, copied_ms=NOON_MS, stage=step)
