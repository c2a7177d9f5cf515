"""Calls of a batch's threads become one, and each caller gets its own value."""

import threading
import traceback
from collections.abc import Sequence

import pytest

from adapters.batching import BatchThreads, GatheredCall, _Gathering

FOREVER_S = 60.0
"""Longer than any test: a test that waits so long fails by the runner's time limit."""


class Doubling:
    """The shared call: doubles every key, and remembers the keys of each call."""

    def __init__(self) -> None:
        self.calls: list[list[int]] = []

    def __call__(self, keys: Sequence[int]) -> list[int]:
        self.calls.append(sorted(keys))
        return [2 * key for key in keys]


@pytest.fixture
def double() -> Doubling:
    return Doubling()


def test_ten_callers_are_one_call_and_each_has_its_value(double: Doubling) -> None:
    threads = BatchThreads(10, FOREVER_S)
    assert threads.run_all(GatheredCall(double, threads), range(10)) == [2 * key for key in range(10)]
    assert double.calls == [list(range(10))]


def test_the_same_threads_gather_again_and_again(double: Doubling) -> None:
    threads = BatchThreads(3, FOREVER_S)
    first, second = GatheredCall(double, threads), GatheredCall(double, threads)
    assert threads.run_all(lambda key: first(key) + second(key), range(3)) == [0, 4, 8]
    assert threads.run_all(first, [7]) == [14]
    assert double.calls == [[0, 1, 2], [0, 1, 2], [7]]


def test_a_caller_outside_a_batch_does_not_wait(double: Doubling) -> None:
    gathered = GatheredCall(double, BatchThreads(10, FOREVER_S))
    assert [gathered(7), gathered(8)] == [14, 16]
    assert double.calls == [[7], [8]]


def test_a_thread_that_ends_without_joining_is_not_waited_for(double: Doubling) -> None:
    threads = BatchThreads(3, FOREVER_S)
    gathered = GatheredCall(double, threads)
    assert threads.run_all(lambda key: gathered(key) if key else None, range(3)) == [None, 2, 4]
    assert double.calls == [[1, 2]]


def test_a_batch_with_more_items_than_threads_is_gathered_in_parts(double: Doubling) -> None:
    threads = BatchThreads(2, FOREVER_S)
    assert threads.run_all(GatheredCall(double, threads), range(4)) == [0, 2, 4, 6]
    assert [len(call) for call in double.calls] == [2, 2]


def test_a_busy_thread_is_not_waited_for_forever(double: Doubling) -> None:
    threads = BatchThreads(2, max_wait_s=0)
    gathered = GatheredCall(double, threads)
    busy = threading.Event()

    def work(key: int) -> int:
        if key == 0:  # busy until the other one has its value
            assert busy.wait(FOREVER_S)
            return 0
        value = gathered(key)
        busy.set()
        return value

    assert threads.run_all(work, range(2)) == [0, 2]


def test_an_error_is_raised_in_every_caller() -> None:
    def fail(keys: Sequence[int]) -> list[int]:
        raise ConnectionError("cut")

    threads = BatchThreads(3, FOREVER_S)
    gathered = GatheredCall(fail, threads)
    seen: list[type[Exception]] = []

    def work(key: int) -> None:
        try:
            gathered(key)
        except ConnectionError as error:
            seen.append(type(error))

    threads.run_all(work, range(3))
    assert seen == [ConnectionError] * 3


def test_the_traceback_of_a_tenth_caller_is_no_longer_than_that_of_one() -> None:
    def fail(keys: Sequence[int]) -> list[int]:
        raise ConnectionError("cut")

    gathering: _Gathering[int, int] = _Gathering()
    gathering.keys = list(range(10))
    gathering.perform(fail)
    for place in gathering.keys:
        with pytest.raises(ConnectionError) as seen:
            gathering.value(place)
        frames = [frame.name for frame in traceback.extract_tb(seen.value.__traceback__)]
        assert frames[1:] == ["value", "perform", "fail"]


def test_a_missing_value_is_an_error() -> None:
    gathered: GatheredCall[int, int] = GatheredCall(lambda keys: list(keys[1:]), BatchThreads(1))
    with pytest.raises(ValueError, match="shorter"):
        gathered(1)


def test_an_unfinished_item_has_no_result_and_delays_no_other() -> None:
    threads = BatchThreads(3, FOREVER_S)
    released = threading.Event()

    def work(key: int) -> int:
        if key == 1:
            assert released.wait(FOREVER_S)
        return 2 * key

    assert threads.run_all(work, range(3), 0.05) == [0, None, 4]
    released.set()
