"""Calls of a crew's threads become one, and each caller gets its own answer."""

import threading
import traceback
from collections.abc import Sequence

import pytest

from adapters.batching import Crew, Together, _Gathering

FOR_EVER_S = 60.0
"""Patience that no test outlasts: a test that needs it to end hangs, and fails by the runner's time limit."""


class Doubling:
    """What is done together: doubles every key, and remembers which came in one call."""

    def __init__(self) -> None:
        self.calls: list[list[int]] = []

    def __call__(self, keys: Sequence[int]) -> list[int]:
        self.calls.append(sorted(keys))
        return [2 * key for key in keys]


@pytest.fixture
def double() -> Doubling:
    return Doubling()


def test_ten_callers_are_one_call_and_each_has_its_answer(double: Doubling) -> None:
    crew = Crew(10, FOR_EVER_S)
    assert crew.run_all(Together(double, crew), range(10)) == [2 * key for key in range(10)]
    assert double.calls == [list(range(10))]


def test_the_same_crew_gathers_again_and_again(double: Doubling) -> None:
    crew = Crew(3, FOR_EVER_S)
    first, second = Together(double, crew), Together(double, crew)
    assert crew.run_all(lambda key: first(key) + second(key), range(3)) == [0, 4, 8]
    assert crew.run_all(first, [7]) == [14]
    assert double.calls == [[0, 1, 2], [0, 1, 2], [7]]


def test_whoever_has_no_crew_at_work_does_not_wait(double: Doubling) -> None:
    together = Together(double, Crew(10, FOR_EVER_S))
    assert [together(7), together(8)] == [14, 16]
    assert double.calls == [[7], [8]]


def test_those_who_leave_without_joining_are_not_waited_for(double: Doubling) -> None:
    crew = Crew(3, FOR_EVER_S)
    together = Together(double, crew)
    assert crew.run_all(lambda key: together(key) if key else None, range(3)) == [None, 2, 4]
    assert double.calls == [[1, 2]]


def test_a_batch_larger_than_the_crew_is_gathered_by_the_threads_there_are(double: Doubling) -> None:
    crew = Crew(2, FOR_EVER_S)
    assert crew.run_all(Together(double, crew), range(4)) == [0, 2, 4, 6]
    assert [len(call) for call in double.calls] == [2, 2]


def test_company_that_does_not_come_is_not_waited_for_for_ever(double: Doubling) -> None:
    crew = Crew(2, patience_s=0)
    together = Together(double, crew)
    busy = threading.Event()

    def work(key: int) -> int:
        if key == 0:  # at work elsewhere until the other one is through
            assert busy.wait(FOR_EVER_S)
            return 0
        answer = together(key)
        busy.set()
        return answer

    assert crew.run_all(work, range(2)) == [0, 2]


def test_what_goes_wrong_is_seen_by_every_caller() -> None:
    def fail(keys: Sequence[int]) -> list[int]:
        raise ConnectionError("cut")

    crew = Crew(3, FOR_EVER_S)
    together = Together(fail, crew)
    seen: list[type[Exception]] = []

    def work(key: int) -> None:
        try:
            together(key)
        except ConnectionError as error:
            seen.append(type(error))

    crew.run_all(work, range(3))
    assert seen == [ConnectionError] * 3


def test_an_error_that_ten_see_is_no_longer_to_read_than_one() -> None:
    def fail(keys: Sequence[int]) -> list[int]:
        raise ConnectionError("cut")

    gathering: _Gathering[int, int] = _Gathering()
    gathering.keys = list(range(10))
    gathering.serve(fail)
    for place in gathering.keys:
        with pytest.raises(ConnectionError) as seen:
            gathering.answer(place)
        frames = [frame.name for frame in traceback.extract_tb(seen.value.__traceback__)]
        assert frames[1:] == ["answer", "serve", "fail"]


def test_an_answer_too_few_is_nobodys_silence() -> None:
    together: Together[int, int] = Together(lambda keys: list(keys[1:]), Crew(1))
    with pytest.raises(ValueError, match="shorter"):
        together(1)


def test_what_is_not_through_in_time_has_no_result_and_holds_nobody_up() -> None:
    crew = Crew(3, FOR_EVER_S)
    released = threading.Event()

    def work(key: int) -> int:
        if key == 1:
            assert released.wait(FOR_EVER_S)
        return 2 * key

    assert crew.run_all(work, range(3), 0.05) == [0, None, 4]
    released.set()
