"""Past calls out of the table: found by the index, read in threads while others are judged, and dropped."""

import random
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import chain
from typing import Final

from adapters.dynamodb.keys import Key
from adapters.dynamodb.outcomes_by_day import Found, OutcomesByDay, days
from domain.backtest.period import Period
from domain.backtest.stored import NotJudged, StoredOutcome

_THREADS: Final = 4
_AHEAD: Final = 6
"""Batches that are read or wait to be judged: with `_BATCH_BYTES` they bound the memory."""
_PAUSES_S: Final = (1, 2, 4, 8)
_MOST_KEYS: Final = 100
_FEWEST_KEYS: Final = 5
_BATCH_BYTES: Final = 4_000_000

Progress = Callable[[int, int], None]
"""Told how many days of the period are read, of how many."""


def _untold(_done: int, _days: int) -> None:
    pass


class PastCalls:
    """The outcomes of a period, in no order. Closing it stops its threads.

    Every read raises botocore's errors, and `TimeoutError` where DynamoDB keeps leaving reads undone.
    """

    def __init__(self, table: OutcomesByDay, period: Period) -> None:
        self._table = table
        self._period = period
        self._pool = ThreadPoolExecutor(_THREADS, "read")
        self._keys_in_batch = _MOST_KEYS

    def close(self) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)

    def __call__(self, progress: Progress = _untold) -> Iterator[StoredOutcome | NotJudged]:
        reading: deque[Future[list[StoredOutcome | NotJudged]]] = deque()
        for page in self._pages(progress):
            yield from (found.not_judged for found in page if found.not_judged)
            keys = [found.key for found in page if not found.not_judged]
            while keys:
                batch, keys = keys[: self._keys_in_batch], keys[self._keys_in_batch :]
                reading.append(self._pool.submit(self._read, batch))
                if len(reading) >= _AHEAD:
                    yield from self._arrived(reading.popleft())
        while reading:
            yield from self._arrived(reading.popleft())

    def verdicts(self, until: str) -> dict[str, dict[str, str]]:
        """The supervisors' verdicts since the period began: by recording id, as text, and fingerprint."""

        def read(day: str) -> list[tuple[str, dict[str, str]]]:
            return list(self._table.verdicts(day, self._period.from_at, until))

        given: dict[str, dict[str, str]] = {}
        for recording, answers in chain.from_iterable(self._pool.map(read, days(self._period.from_at, until))):
            given.setdefault(recording, {}).update(answers)
        return given

    def _read(self, keys: Sequence[Key]) -> list[StoredOutcome | NotJudged]:
        """One batch. A table that is asked for too much leaves reads undone: then it is given time."""
        for pause_s in _PAUSES_S:
            try:
                return self._table.read(keys)
            except TimeoutError:
                time.sleep(pause_s * random.uniform(0.5, 1.5))  # noqa: S311 - spreads the load, guards nothing
        return self._table.read(keys)

    def _arrived(self, reading: Future[list[StoredOutcome | NotJudged]]) -> list[StoredOutcome | NotJudged]:
        """One batch, when it is there. The next ones have as many keys as its size lets expect to fit."""
        batch = reading.result()
        size = sum(len(each.results) for each in batch if isinstance(each, StoredOutcome))
        if size:
            self._keys_in_batch = max(_FEWEST_KEYS, min(_MOST_KEYS, _BATCH_BYTES * len(batch) // size))
        return batch

    def _pages(self, progress: Progress) -> Iterator[Sequence[Found]]:
        """Each page is read while the one before is worked on."""
        every = days(self._period.from_at, self._period.to_at)

        def pages() -> Iterator[Sequence[Found]]:
            for number, day in enumerate(every):
                yield from self._table.find(day, self._period.from_at, self._period.to_at)
                progress(number + 1, len(every))

        left = pages()
        ahead = self._pool.submit(next, left, None)
        while (page := ahead.result()) is not None:
            ahead = self._pool.submit(next, left, None)
            yield page
