"""The batch loop: results reported in order, failed and unfinished groups named in the answer and delayed."""

import threading
from collections.abc import Sequence
from typing import Any, cast

import pytest

from adapters.batching import BatchThreads
from adapters.message_queue import MessageQueue
from domain.retry import DeadLettered, History
from runtime import batch
from runtime.batch import BatchLoop, Group
from runtime.messages import Message
from tests.fakes.clock import NOON_MS, FakeClock
from tests.fakes.outside import FakeMeter

DEADLINE_MS = NOON_MS + 30_000


class FakeQueue:
    def __init__(self) -> None:
        self.delayed: list[tuple[str, int]] = []
        self.dead_letters: list[tuple[str, str]] = []

    def back_off(self, receipt_handle: str, earlier_failures: int) -> None:
        if not receipt_handle:
            raise ConnectionError("SQS")
        self.delayed.append((receipt_handle, earlier_failures))

    def dead_letter(self, body: str, why: DeadLettered) -> None:
        if not body:
            raise ConnectionError("SQS")
        self.dead_letters.append((body, why.reason))


@pytest.fixture
def queue() -> FakeQueue:
    return FakeQueue()


@pytest.fixture
def meter() -> FakeMeter:
    return FakeMeter()


def loop(queue: FakeQueue, meter: FakeMeter, threads: BatchThreads | None = None) -> BatchLoop:
    return BatchLoop(cast("MessageQueue", queue), meter, FakeClock(), threads)


def group(name: str, content: int = 0, messages: Sequence[str] = ("",), handle: str = "handle") -> Group[int]:
    return Group([message(name + more, handle) for more in messages], content)


def message(name: str, handle: str = "handle", body: str = "", failures: int = 2) -> Message:
    return Message(name, handle, body, History(first_sent_ms=NOON_MS, copied_ms=NOON_MS, failures=failures))


def failures(*names: str) -> dict[str, Any]:
    return {"batchItemFailures": [{"itemIdentifier": name} for name in names]}


def unreported(*_: object) -> None:
    pytest.fail("there is nothing to report")


def test_without_threads_one_group_is_worked_on_after_the_other(queue: FakeQueue, meter: FakeMeter) -> None:
    events: list[str] = []

    def work(each: Group[int]) -> int:
        events.append(f"work on {each.content}")
        return each.content

    def report(_: Group[int], result: object) -> None:
        events.append(f"report {result}")

    assert loop(queue, meter).run([group("a", 1), group("b", 2)], work, report, DEADLINE_MS) == failures()
    assert events == ["work on 1", "report 1", "work on 2", "report 2"]


def test_all_messages_of_a_failed_group_come_back_later(queue: FakeQueue, meter: FakeMeter) -> None:
    groups = [group("a", 0, "12"), group("b", 1)]
    answer = loop(queue, meter).run(groups, lambda each: 1 / each.content, lambda *_: None, DEADLINE_MS)
    assert answer == failures("a1", "a2")
    assert queue.delayed == [("handle", 2)] * 2
    assert meter.total("RecordsFailed") == 2


@pytest.mark.parametrize("contents", [(0, 1), (1, 0), (0, 0)])
def test_a_message_in_two_groups_comes_back_once_if_one_fails(
    queue: FakeQueue, meter: FakeMeter, contents: tuple[int, int]
) -> None:
    groups = [group("a", each) for each in contents]
    reported: list[object] = []
    answer = loop(queue, meter).run(
        groups, lambda each: 1 / each.content, lambda _, result: reported.append(result), DEADLINE_MS
    )
    assert answer == failures("a")
    assert len(reported) == sum(contents)


def test_a_message_that_cannot_be_delayed_fails_all_the_same(queue: FakeQueue, meter: FakeMeter) -> None:
    answer = loop(queue, meter).run([group("a", handle="")], lambda each: 1 / each.content, unreported, DEADLINE_MS)
    assert answer == failures("a")


def test_a_fifth_failure_ends_a_message_but_not_its_younger_neighbour(queue: FakeQueue, meter: FakeMeter) -> None:
    reported: list[tuple[list[str], str]] = []

    def report(each: Group[int], result: object) -> None:
        assert isinstance(result, DeadLettered)
        reported.append(([message.message_id for message in each.messages], result.reason))

    old, new = message("old", body="the event", failures=4), message("new", failures=3)
    answer = loop(queue, meter).run([Group([old, new], 0)], lambda each: 1 / each.content, report, DEADLINE_MS)
    assert answer == failures("new")
    assert queue.dead_letters == [("the event", "unexpected_error")]
    assert queue.delayed == [("handle", 3)]
    assert reported == [(["old"], "unexpected_error")]
    assert meter.total("RecordsFailed") == 2


def test_a_message_that_cannot_be_dead_lettered_fails_once_more(queue: FakeQueue, meter: FakeMeter) -> None:
    groups = [Group([message("a", failures=4)], 0)]
    answer = loop(queue, meter).run(groups, lambda each: 1 / each.content, unreported, DEADLINE_MS)
    assert answer == failures("a")


def test_unfinished_work_is_given_back_before_the_deadline(
    queue: FakeQueue, meter: FakeMeter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch, "ANSWER_RESERVE_MS", 29_950)
    released = threading.Event()
    answer = loop(queue, meter, BatchThreads(2)).run([group("a")], lambda _: released.wait(60), unreported, DEADLINE_MS)
    released.set()
    assert answer == failures("a")
    assert meter.total("RecordsFailed") == 1
