"""Calls of several threads become one, and each caller gets its own answer."""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from adapters.batching import GATHER_S, Together


class Company:
    """Takes the place of the first caller's wait: it ends when as many callers are waiting as a test wants."""

    def __init__(self) -> None:
        self.waits: list[float] = []
        self.wanted = 1
        self.together: Together[int, int] | None = None

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        assert self.together
        while len(self.together._waiting) < self.wanted:
            threading.Event().wait(0.001)


@pytest.fixture
def company(monkeypatch: pytest.MonkeyPatch) -> Company:
    company = Company()
    monkeypatch.setattr("adapters.batching.time.sleep", company.sleep)
    return company


def test_ten_callers_are_one_call_and_each_has_its_answer(company: Company) -> None:
    calls: list[list[int]] = []

    def double(keys: Sequence[int]) -> list[int]:
        calls.append(list(keys))
        return [2 * key for key in keys]

    company.together, company.wanted = Together(double), 10
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(company.together, range(10)))
    assert answers == [2 * key for key in range(10)]
    assert [sorted(call) for call in calls] == [list(range(10))]
    assert company.waits == [GATHER_S]


def test_one_caller_alone_is_served_too_and_the_next_begins_anew(company: Company) -> None:
    calls: list[list[int]] = []

    def remember(keys: Sequence[int]) -> list[int]:
        calls.append(list(keys))
        return list(keys)

    company.together = Together(remember)
    assert [company.together(7), company.together(8)] == [7, 8]
    assert calls == [[7], [8]]


def test_what_goes_wrong_is_seen_by_every_caller(company: Company) -> None:
    def fail(keys: Sequence[int]) -> list[int]:
        raise ConnectionError("cut")

    company.together, company.wanted = Together(fail), 3
    with ThreadPoolExecutor(3) as pool:
        futures = [pool.submit(company.together, key) for key in range(3)]
    assert [type(future.exception()) for future in futures] == [ConnectionError] * 3


def test_an_answer_too_few_is_nobodys_silence(company: Company) -> None:
    company.together, company.wanted = Together(lambda keys: list(keys[1:])), 1
    with pytest.raises(ValueError, match="shorter"):
        company.together(1)
