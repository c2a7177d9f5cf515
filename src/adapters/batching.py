"""The threads that work on one batch, and the calls they make together: one read, one write for all of them."""

import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Any, Final, Generic, TypeVar

PATIENCE_S: Final = 0.25
"""How long a call waits at most for those of the batch who can still join it: the vendor answers some sooner."""

K = TypeVar("K")
V = TypeVar("V")


class Crew:
    """Up to `size` threads, one for each item of a batch. It knows how many are still at work, so that whoever waits
    for company waits for no longer than somebody can come; where nobody can, not at all."""

    def __init__(self, size: int, patience_s: float = PATIENCE_S) -> None:
        self._pool = ThreadPoolExecutor(size)
        self._size = size
        self._patience_s = patience_s
        self._at_work = 0
        self.changed = threading.Condition()

    def run_all(
        self, function: Callable[[Any], Any], items: Iterable[Any], timeout_s: float | None = None
    ) -> list[Any]:
        """Call `function`, which must not raise, with each item, at the same time; the results in the items' order.

        `None` stands for an item that is not through after `timeout_s`; its thread is left to end by itself.
        """
        results: dict[int, Any] = {}

        def work(item: Any) -> None:
            try:
                results[id(item)] = function(item)
            finally:
                with self.changed:
                    self._at_work -= 1
                    self.changed.notify_all()

        every = list(items)
        with self.changed:
            self._at_work = len(every)
        try:
            for _ in self._pool.map(work, every, timeout=timeout_s):
                pass
        except TimeoutError:
            pass  # Those without a result are answered with none.
        return [results.get(id(item)) for item in every]

    def is_complete(self, company: Sequence[Any]) -> bool:
        """Whether nobody can join any more. To be asked, and waited for, with `changed` held."""
        return len(company) >= min(self._at_work, self._size)

    def wait_for_company(self, company: Sequence[Any]) -> None:
        self.changed.wait_for(lambda: self.is_complete(company), self._patience_s)


class Together(Generic[K, V]):
    """Callable with one key; `perform` is called with all keys gathered and answers for each, in their order.

    The first caller waits for its crew and then performs for everybody; the others wait for it. What `perform` raises,
    each of them sees.
    """

    def __init__(self, perform: Callable[[Sequence[K]], Sequence[V]], crew: Crew) -> None:
        self._perform = perform
        self._crew = crew
        self._gathering: _Gathering[K, V] | None = None

    def __call__(self, key: K) -> V:
        with self._crew.changed:
            gathering = self._gathering = self._gathering or _Gathering()
            place = len(gathering.keys)
            gathering.keys.append(key)
            if place == 0:
                self._crew.wait_for_company(gathering.keys)
                self._gathering = None
            elif self._crew.is_complete(gathering.keys):
                self._crew.changed.notify_all()
        if place == 0:
            gathering.serve(self._perform)
        return gathering.answer(place)


class _Gathering(Generic[K, V]):
    """Those who share one call."""

    def __init__(self) -> None:
        self.keys: list[K] = []
        self._answers: Sequence[V] = ()
        self._error: BaseException | None = None
        self._raised_at: TracebackType | None = None
        self._served = threading.Lock()
        self._served.acquire()

    def serve(self, perform: Callable[[Sequence[K]], Sequence[V]]) -> None:
        try:
            answers = perform(self.keys)
            self._answers = [answer for _, answer in zip(self.keys, answers, strict=True)]
        except BaseException as error:  # noqa: BLE001 - handed to every caller, none is lost
            self._error, self._raised_at = error, error.__traceback__
        finally:
            self._served.release()

    def answer(self, place: int) -> V:
        with self._served:  # handed on from one to the next: waking all at once would have them fight for it
            pass
        if self._error is not None:
            # Every raise adds to the traceback of the one error: the log line of a tenth caller would hold ten.
            raise self._error.with_traceback(self._raised_at)
        return self._answers[place]
