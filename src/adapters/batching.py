"""Calls that several threads make at about the same time become one call: one read, one write for a whole batch."""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Final, Generic, TypeVar

GATHER_S: Final = 0.01
"""How long the first caller waits for company. Records of one batch start within about a millisecond of each other."""

K = TypeVar("K")
V = TypeVar("V")


class Together(Generic[K, V]):
    """Callable with one key; `perform` is called with all keys gathered and answers for each, in their order.

    The first caller waits `gather_s` and then performs for everybody; the others wait for it. What `perform` raises,
    each of them sees.
    """

    def __init__(self, perform: Callable[[Sequence[K]], Sequence[V]], gather_s: float = GATHER_S) -> None:
        self._perform = perform
        self._gather_s = gather_s
        self._lock = threading.Lock()
        self._waiting: list[tuple[K, Future[V]]] = []

    def __call__(self, key: K) -> V:
        mine: Future[V] = Future()
        with self._lock:
            self._waiting.append((key, mine))
            first = len(self._waiting) == 1
        if first:
            time.sleep(self._gather_s)
            self._serve()
        return mine.result()

    def _serve(self) -> None:
        with self._lock:
            served, self._waiting = self._waiting, []
        try:
            answers = self._perform([key for key, _ in served])
        except BaseException as error:  # noqa: BLE001 - handed to every caller, none is lost
            for _, future in served:
                future.set_exception(error)
        else:
            for (_, future), answer in zip(served, answers, strict=True):
                future.set_result(answer)
