"""One account and one deployment, as the tests of discovery see them."""

from dataclasses import replace

import pytest

from domain.discovery.decision import Judged
from domain.discovery.discover import DiscoverRecordings, Run
from domain.discovery.spans import Spans
from domain.triggers.source import Source
from tests.fakes.clock import NOON_MS, FakeClock
from tests.fakes.discovery import FakeList, FakeSender, FakeSpareBudget, InMemoryDiscovery
from tests.fakes.stage import Stage

MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
ORDERS = pytest.mark.parametrize("newest_first", [True, False], ids=["newest first", "oldest first"])


class World:
    """The lookback is a day. The clock moves only by `run`, by five minutes unless told otherwise."""

    def __init__(self, *, newest_first: bool = True, lookback_ms: int = DAY, disorder_ms: int = 0) -> None:
        self.stage = Stage()
        self.clock = FakeClock()
        self.list = FakeList(newest_first=newest_first, disorder_ms=disorder_ms, stage=self.stage)
        self.memory = InMemoryDiscovery(self.clock, self.stage)
        self.sender = FakeSender(self.stage)
        self.budget = FakeSpareBudget(self.clock)
        self.discover = DiscoverRecordings(
            recordings=self.list,
            memory=self.memory,
            queue=self.sender,
            budget=self.budget,
            now_ms=self.clock,
            lookback_ms=lookback_ms,
        )

    def run(
        self,
        *,
        left: int = 1_000_000,
        history_ms: int | None = None,
        time_ms: int = 30_000,
        after_ms: int = 5 * MINUTE,
    ) -> Run:
        self.clock.advance(after_ms)
        self.budget.left = left
        self.list.requests.clear()
        return self.discover(self.clock() + time_ms, history_ms)

    def started(self) -> "World":
        """Long in use: the first start was a month ago, and everything since was discovered by then."""
        self.run()
        assert self.memory.stored
        self.memory.stored = replace(self.memory.stored, started_ms=NOON_MS - 30 * DAY)
        return self

    def old(self, count: int, *, apart_ms: int = MINUTE) -> "World":
        """Recordings of the past, the youngest two days old, numbered downwards from a million."""
        for number in reversed(range(count)):
            self.list.add(1_000_000 - number, NOON_MS - 2 * DAY - number * apart_ms)
        return self

    def new(self, *recordings: int, age_ms: int = MINUTE) -> None:
        for recording in recordings:
            self.list.add(recording, self.clock() - age_ms)

    def judged(self, *recordings: int, source: Source = Source.DISCOVERY) -> None:
        for recording in recordings:
            self.memory.outcomes[recording] = Judged(source, self.clock())

    def other_trigger(self) -> None:
        """A webhook has delivered: recording 7 was judged before discovery met it."""
        self.new(7)
        self.judged(7, source=Source.WEBHOOK)
        self.run()

    @property
    def sent(self) -> set[int]:
        return {*map(int, self.sender.sent)}

    @property
    def left(self) -> Spans:
        """What runs have left to do."""
        assert self.memory.stored
        return self.memory.stored.spans
