"""Discovery's memory on DynamoDB: the contract, what it costs, and the items as the design has them."""

from dataclasses import replace
from typing import Any

import pytest

from adapters.batching import BatchThreads
from adapters.dynamodb.discovery_table import DynamoDiscoveryMemory
from adapters.dynamodb.marks import DynamoMarks
from adapters.dynamodb.outcome_table import DynamoOutcomeTable
from domain.discovery.decision import Judged
from domain.discovery.mark import Mark, Marked
from domain.discovery.recording_list import Order
from domain.discovery.spans import Span
from domain.discovery.state import DiscoveryState
from domain.evaluation.outcome import Status
from domain.recording import RecordingId
from domain.triggers.source import Source
from tests.fakes import contracts
from tests.fakes.clock import NOON_MS, FakeClock
from tests.fakes.discovery_contract import DiscoveryMemoryContract, Judge
from tests.fakes.make import UUID
from tests.integration.conftest import TABLE, Aws

HOUR_MS = 3_600_000
_OTHER_UUID = "0190ffff-0000-7000-8000-000000000001"
CLEAR = replace(contracts.CLEAR, evaluated_at_ms=NOON_MS)


@pytest.fixture
def memory(aws: Aws, clock: FakeClock) -> DynamoDiscoveryMemory:
    return DynamoDiscoveryMemory(aws.dynamodb, TABLE, 24 * HOUR_MS, clock)


@pytest.fixture
def outcomes(aws: Aws, clock: FakeClock) -> DynamoOutcomeTable:
    return DynamoOutcomeTable(aws.dynamodb, TABLE, retention_days=365, now_ms=clock, threads=BatchThreads(1))


@pytest.fixture
def judge(outcomes: DynamoOutcomeTable) -> Judge:
    def store(recording: RecordingId, source: Source) -> None:
        outcomes.save(replace(CLEAR, recording=recording, source=source))

    return store


class TestDynamoDiscoveryMemory(DiscoveryMemoryContract):
    pass


def test_an_outcome_is_found_by_its_uuid(
    memory: DynamoDiscoveryMemory, outcomes: DynamoOutcomeTable, judge: Judge
) -> None:
    judge(123, Source.QUEUE)
    outcomes.remember_alias(UUID, 123)
    assert memory.look_up([UUID, 5]) == {UUID: Judged(Source.QUEUE, NOON_MS)}


def test_an_outcome_of_a_uuid_that_was_not_found_counts(memory: DynamoDiscoveryMemory, judge: Judge) -> None:
    judge(UUID, Source.DISCOVERY)
    assert memory.look_up([UUID]) == {UUID: Judged(Source.DISCOVERY, NOON_MS)}


@pytest.mark.parametrize(
    "changed",
    [{"source": {"S": "of a newer release"}}, {"evaluated_at": {"S": "yesterday"}}, {"status": {"NULL": True}}],
)
def test_an_outcome_that_cannot_be_read_is_announced_and_hides_no_other(
    aws: Aws, memory: DynamoDiscoveryMemory, judge: Judge, changed: dict[str, Any]
) -> None:
    for recording in (1, 2):
        judge(recording, Source.WEBHOOK)
    aws.dynamodb.put_item(TableName=TABLE, Item=aws.item("RECORDING#1") | changed)
    assert memory.look_up([1, 2]) == {2: Judged(Source.WEBHOOK, NOON_MS)}
    memory.mark([1], Mark.SENT)
    assert memory.look_up([1]) == {1: Marked(Mark.SENT, NOON_MS)}


def test_a_page_of_known_recordings_is_one_call_one_with_new_ones_two(
    aws: Aws, memory: DynamoDiscoveryMemory, judge: Judge
) -> None:
    for recording in range(1, 101):
        judge(recording, Source.WEBHOOK)
    aws.calls.clear()
    assert len(memory.look_up(range(1, 101))) == 100
    assert aws.calls.names == ["dynamodb.BatchGetItem"]
    aws.calls.clear()
    assert len(memory.look_up(range(2, 102))) == 99
    assert aws.calls.names == ["dynamodb.BatchGetItem"] * 2


def test_a_mark_has_a_key_of_its_own_and_expires_a_day_after_the_lookback(
    aws: Aws, memory: DynamoDiscoveryMemory
) -> None:
    memory.mark([123], Mark.SENT)
    assert aws.items() == [
        {
            "pk": {"S": "MARK#123"},
            "sk": {"S": "DISCOVERED"},
            "mark": {"S": "sent"},
            "marked_ms": {"N": str(NOON_MS)},
            "expires_at": {"N": str((NOON_MS + 48 * HOUR_MS) // 1_000)},
        }
    ]


def put_old_mark(aws: Aws, recording: RecordingId, mark: Mark, marked_ms: int) -> None:
    """A mark as the release before wrote it."""
    key = {"pk": {"S": f"RECORDING#{recording}"}, "sk": {"S": "DISCOVERED"}}
    aws.dynamodb.put_item(TableName=TABLE, Item=key | {"mark": {"S": mark}, "marked_ms": {"N": str(marked_ms)}})


def test_an_old_mark_is_still_read(aws: Aws, memory: DynamoDiscoveryMemory) -> None:
    put_old_mark(aws, 123, Mark.SENT, NOON_MS)
    put_old_mark(aws, UUID, Mark.SEEN, NOON_MS)
    assert memory.look_up([123, 124, UUID]) == {123: Marked(Mark.SENT, NOON_MS), UUID: Marked(Mark.SEEN, NOON_MS)}


@pytest.mark.parametrize(("old_ms", "read"), [(NOON_MS - 1, Mark.SENT), (NOON_MS + 1, Mark.SEEN)])
def test_of_an_old_and_a_new_mark_the_later_one_is_read(
    aws: Aws, memory: DynamoDiscoveryMemory, old_ms: int, read: Mark
) -> None:
    put_old_mark(aws, 123, Mark.SEEN, old_ms)
    memory.mark([123], Mark.SENT)
    assert memory.look_up([123]) == {123: Marked(read, max(old_ms, NOON_MS))}


@pytest.mark.parametrize("status", [Status.NOT_FOUND, Status.ANALYSIS_FAILED])
def test_a_recording_that_was_given_up_is_new_again_until_it_is_marked_anew(
    memory: DynamoDiscoveryMemory, outcomes: DynamoOutcomeTable, clock: FakeClock, status: Status
) -> None:
    memory.mark([123], Mark.SENT)
    clock.advance(600_000)
    outcomes.save(replace(CLEAR, recording=123, status=status, evaluated_at_ms=clock()))
    assert memory.look_up([123]) == {}
    clock.advance(1_000)
    memory.mark([123], Mark.SENT)
    assert memory.look_up([123]) == {123: Marked(Mark.SENT, clock())}


@pytest.mark.parametrize("confirmed", [True, False], ids=["found the same", "answered by the outcome"])
def test_a_recording_that_was_given_up_again_is_new_again_after_an_hour(
    memory: DynamoDiscoveryMemory, outcomes: DynamoOutcomeTable, clock: FakeClock, confirmed: bool
) -> None:
    """Its event waited, so it was marked. Then it ended without a new outcome."""
    failed = replace(CLEAR, recording=123, status=Status.ANALYSIS_FAILED, evaluated_at_ms=clock())
    outcomes.save(failed)
    clock.advance(60_000)
    memory.mark([123], Mark.SENT)
    marked = {123: Marked(Mark.SENT, clock())}
    clock.advance(60_000)
    if confirmed:
        outcomes.advance(failed.confirmed(clock()))
    clock.advance(HOUR_MS - 60_001)
    assert memory.look_up([123]) == marked
    clock.advance(1)
    assert memory.look_up([123]) == {}


def test_a_mark_is_found_under_either_name_of_a_recording(
    aws: Aws, memory: DynamoDiscoveryMemory, outcomes: DynamoOutcomeTable, clock: FakeClock
) -> None:
    outcomes.remember_alias(UUID, 123)
    DynamoMarks(aws.dynamodb, TABLE, clock).mark_sent(123)
    assert memory.look_up([UUID]) == {UUID: Marked(Mark.SENT, NOON_MS)}


@pytest.mark.parametrize("key", [f"ALIAS#{UUID} ALIAS", f"MARK#{UUID} DISCOVERED"])
def test_an_item_that_cannot_be_read_counts_as_none_and_the_others_are_found(
    aws: Aws, memory: DynamoDiscoveryMemory, key: str
) -> None:
    pk, sk = key.split()
    aws.dynamodb.put_item(TableName=TABLE, Item={"pk": {"S": pk}, "sk": {"S": sk}, "mark": {"S": "of a newer version"}})
    memory.mark([_OTHER_UUID], Mark.SENT)
    assert memory.look_up([UUID, _OTHER_UUID]).keys() == {_OTHER_UUID}


def put_old_state(aws: Aws, **more: Any) -> None:
    """The state as the release before 2026-11-25 wrote it."""
    numbers = {"started_ms": NOON_MS - 7, "revision": 5, "last_page": 9, "other_trigger_ms": 3, "not_before_ms": 4}
    item = {"pk": {"S": "DISCOVERY"}, "sk": {"S": "STATE"}, "order": {"S": "oldest_first"}} | more
    aws.dynamodb.put_item(TableName=TABLE, Item=item | {name: {"N": str(each)} for name, each in numbers.items()})


def test_an_old_state_is_read_and_its_whole_lookback_is_looked_at(aws: Aws, memory: DynamoDiscoveryMemory) -> None:
    put_old_state(aws)
    state = memory.state()
    assert state == DiscoveryState(
        started_ms=NOON_MS - 7,
        revision=5,
        order=Order.OLDEST_FIRST,
        last_page=9,
        other_trigger_ms=3,
        not_before_ms=4,
    )
    assert state.run_begun(NOON_MS + 48 * HOUR_MS, 24 * HOUR_MS).spans[0].from_ms == NOON_MS + 24 * HOUR_MS


def test_the_open_walk_of_an_old_state_is_open_as_a_whole(aws: Aws, memory: DynamoDiscoveryMemory) -> None:
    walk = {"horizon_ms": {"N": "5"}, "begun_ms": {"N": "8"}, "left_at": {"L": [{"N": "3"}]}}
    put_old_state(aws, walk={"M": walk})
    state = memory.state()
    assert state
    assert state.spans == (Span(from_ms=5, to_ms=NOON_MS, due_ms=NOON_MS + HOUR_MS),)
    memory.save(replace(state, revision=6, spans=()))
    assert "walk" not in aws.item("DISCOVERY", "STATE")


def test_evaluation_and_discovery_write_the_same_mark(
    aws: Aws, memory: DynamoDiscoveryMemory, clock: FakeClock
) -> None:
    memory.mark([123], Mark.SENT)
    by_discovery = aws.items()
    DynamoMarks(aws.dynamodb, TABLE, clock).mark_sent(123)
    assert aws.items() == by_discovery
