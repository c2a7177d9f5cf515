"""The threads that work on one batch, and calls that they share: one read or write for all of them."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Final, Generic, TypeVar

MAX_WAIT_S: Final = 0.25
"""The longest wait of a gathered call for other threads. The vendor answers some of them sooner than others."""

K = TypeVar("K")
V = TypeVar("V")


class BatchThreads:
    """Up to `size` threads, which last from batch to batch: the connections of a thread stay open.

    Counts the items under work, so that a gathered call waits only for threads that can still join it.
    """

    def __init__(self, size: int, max_wait_s: float = MAX_WAIT_S) -> None:
        self._pool = ThreadPoolExecutor(size)
        self._size = size
        self._max_wait_s = max_wait_s
        self._at_work = 0
        self.changed = threading.Condition()

    def run_all(self, function: Callable[[K], V], items: Sequence[K], timeout_s: float | None = None) -> list[V | None]:
        """Call `function`, which must not raise, with each item; return the results in the items' order.

        An unfinished item has the result `None` after `timeout_s`. Its thread is left to end by itself.
        """
        results: list[V | None] = [None] * len(items)

        def work(place: int, item: K) -> None:
            try:
                results[place] = function(item)
            finally:
                with self.changed:
                    self._at_work -= 1
                    self.changed.notify_all()

        with self.changed:
            self._at_work = len(items)
        try:
            for _ in self._pool.map(work, range(len(items)), items, timeout=timeout_s):
                pass
        except TimeoutError:
            pass  # The results say which items are unfinished.
        return list(results)  # A copy: a late result must not change the answer.

    def all_joined(self, callers: int) -> bool:
        """Whether no other thread can join so many callers. The caller must hold `changed`."""
        return callers >= min(self._at_work, self._size)

    def wait_for_others(self, keys: Sequence[object]) -> None:
        """Wait until every thread has joined those of `keys`, or ended. The caller must hold `changed`."""
        self.changed.wait_for(lambda: self.all_joined(len(keys)), self._max_wait_s)


class GatheredCall(Generic[K, V]):
    """Callable with one key. `perform` is called once with the keys of all threads, and returns a value for each.

    The first caller waits for the other threads, then performs for all; the others wait for the values. An error of
    `perform` is raised in every caller.
    """

    def __init__(self, perform: Callable[[Sequence[K]], Sequence[V]], threads: BatchThreads) -> None:
        self._perform = perform
        self._threads = threads
        self._gathering: _Gathering[K, V] | None = None

    def __call__(self, key: K) -> V:
        with self._threads.changed:
            gathering = self._gathering = self._gathering or _Gathering()
            place = len(gathering.keys)
            gathering.keys.append(key)
            if place == 0:
                self._threads.wait_for_others(gathering.keys)
                self._gathering = None
            elif self._threads.all_joined(len(gathering.keys)):
                self._threads.changed.notify_all()
        if place == 0:
            gathering.perform(self._perform)
        return gathering.value(place)


class _Gathering(Generic[K, V]):
    """One call, its keys and its values."""

    def __init__(self) -> None:
        self.keys: list[K] = []
        self._values: Sequence[V] = ()
        self._error: BaseException | None = None
        self._raised_at: TracebackType | None = None
        self._done = threading.Lock()
        self._done.acquire()

    def perform(self, function: Callable[[Sequence[K]], Sequence[V]]) -> None:
        try:
            values = function(self.keys)
            self._values = [value for _, value in zip(self.keys, values, strict=True)]
        except BaseException as error:  # noqa: BLE001 - raised again in every caller
            self._error, self._raised_at = error, error.__traceback__
        finally:
            self._done.release()

    def value(self, place: int) -> V:
        with self._done:  # Callers pass the lock on one by one: threads woken together would compete for it.
            pass
        if self._error is not None:
            # Each raise adds to the error's traceback: the tenth caller's log line would hold ten.
            raise self._error.with_traceback(self._raised_at)
        return self._values[place]
