"""The request budget in DynamoDB: shared by all workers, one write for a batch."""

from array import array
from typing import Any

import pytest

from adapters.batching import BatchThreads
from adapters.dynamodb.request_budget import SharedRequestBudget
from domain.errors import BudgetSpent, Contended
from domain.request_budget import SLOT_LAPSES_MS, WINDOW_MS
from tests.fakes.clock import NOON_MS, FakeClock
from tests.fakes.outside import FakeMeter
from tests.integration.aws import TABLE, Aws
from tests.integration.workers import PATIENCE_S

SECOND_MS = 1_000


class Workers:
    """Workers of one stack: each has its own budget object and memory; table and clock are shared."""

    def __init__(self, aws: Aws, clock: FakeClock, limit: int) -> None:
        self.aws, self.clock, self.limit = aws, clock, limit
        self.meter = FakeMeter()

    def hire(self, size: int = 1, dynamodb: Any = None) -> SharedRequestBudget:
        self.threads = BatchThreads(size, PATIENCE_S)
        return SharedRequestBudget(
            dynamodb or self.aws.dynamodb, TABLE, self.limit, self.meter, self.clock, self.threads, self.clock.sleep
        )

    def slots(self) -> list[int]:
        stored = array("q")
        stored.frombytes(self.aws.item("BUDGET", "REQUESTS")["slots"]["B"])
        return list(stored)


@pytest.fixture
def workers(aws: Aws, clock: FakeClock) -> Workers:
    return Workers(aws, clock, limit=3)


def test_a_worker_sleeps_until_its_slot(workers: Workers) -> None:
    budget = workers.hire()
    for _ in range(4):
        budget.take(NOON_MS + 2 * WINDOW_MS)
    assert workers.clock.slept_s == [WINDOW_MS / 1_000]
    assert workers.slots()[-1] == NOON_MS + WINDOW_MS
    assert workers.meter.total("ApiBudgetWaitMs") == WINDOW_MS


def test_all_workers_share_the_budget(workers: Workers) -> None:
    first, second = workers.hire(), workers.hire()
    first.take(NOON_MS)
    second.take(NOON_MS)
    first.take(NOON_MS)
    with pytest.raises(BudgetSpent):
        second.take(NOON_MS)
    assert len(workers.slots()) == 3


def test_a_batch_is_one_write(aws: Aws, clock: FakeClock) -> None:
    workers = Workers(aws, clock, limit=60)
    budget = workers.hire(10)
    workers.threads.run_all(budget.take, [NOON_MS] * 10)
    assert aws.calls.names == ["dynamodb.PutItem"]
    assert workers.slots() == [NOON_MS] * 10


def test_a_write_that_loses_goes_on_from_what_is_stored(aws: Aws, workers: Workers) -> None:
    first, second = workers.hire(), workers.hire()
    first.take(NOON_MS)
    aws.calls.clear()
    second.take(NOON_MS)
    assert aws.calls.names == ["dynamodb.PutItem"] * 2  # no read between: the refusal brings what is stored
    assert workers.slots() == [NOON_MS] * 2


def test_a_slot_that_lapsed_is_left_and_another_taken(workers: Workers, clock: FakeClock) -> None:
    """Waking too late, as on a machine that was frozen, must not bunch requests."""
    budget = workers.hire()
    for _ in range(3):
        budget.take(NOON_MS)
    lateness = [SLOT_LAPSES_MS + 1]

    def oversleep(seconds: float) -> None:
        clock.sleep(seconds)
        clock.advance(lateness.pop() if lateness else 0)

    budget._sleep = oversleep
    budget.take(NOON_MS + 10 * WINDOW_MS)
    used_at_ms = clock()
    assert len(workers.slots()) == 3
    assert workers.slots()[-1] <= used_at_ms <= workers.slots()[-1] + SLOT_LAPSES_MS
    assert workers.slots()[-2] == NOON_MS + WINDOW_MS  # the lapsed one


class TestHolds:
    def test_no_worker_sends_before_a_hold_ends(self, workers: Workers) -> None:
        first, second = workers.hire(), workers.hire()
        first.hold(NOON_MS + 30 * SECOND_MS)
        with pytest.raises(BudgetSpent) as spent:
            second.take(NOON_MS + 29 * SECOND_MS)
        assert spent.value.retry_at_ms
        assert spent.value.retry_at_ms >= NOON_MS + 22 * SECOND_MS
        second.take(NOON_MS + 30 * SECOND_MS)
        assert workers.clock() == NOON_MS + 30 * SECOND_MS

    def test_a_hold_set_while_a_worker_slept_keeps_it_from_sending(self, workers: Workers, clock: FakeClock) -> None:
        sleeper, other = workers.hire(), workers.hire()
        for _ in range(3):
            other.take(NOON_MS)
        held_until_ms = NOON_MS + 2 * WINDOW_MS
        to_set = [held_until_ms]

        def sleep(seconds: float) -> None:
            clock.sleep(seconds)
            if to_set:
                other.hold(to_set.pop())

        sleeper._sleep = sleep
        sleeper.take(NOON_MS + 10 * WINDOW_MS)
        assert clock() >= held_until_ms

    def test_a_hold_that_could_not_be_stored_keeps_its_own_worker(self, workers: Workers) -> None:
        contested = Contested(workers, 1_000)
        budget, other = workers.hire(dynamodb=contested), workers.hire()
        held_until_ms = NOON_MS + 30 * SECOND_MS
        with pytest.raises(Contended):
            budget.hold(held_until_ms)
        contested.times = 0
        with pytest.raises(BudgetSpent):
            budget.take(held_until_ms - 1)
        with pytest.raises(BudgetSpent):
            other.take(held_until_ms - 1)  # the denial before was a write, and stored the hold


class Contested:
    """A client before which another worker's write always comes first, so many times."""

    def __init__(self, workers: Workers, times: int) -> None:
        self._workers, self._other = workers, workers.hire()
        self.times = times

    def put_item(self, **asked: Any) -> Any:
        if self.times:
            self.times -= 1
            self._other.hold(0)
        return self._workers.aws.dynamodb.put_item(**asked)


class TestContention:
    def test_a_worker_that_always_loses_is_deferred(self, workers: Workers) -> None:
        budget = workers.hire(dynamodb=Contested(workers, 1_000))
        with pytest.raises(Contended):
            budget.take(NOON_MS)
