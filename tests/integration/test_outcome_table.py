"""The outcome table on DynamoDB: the contract, the item as the design has it, and reads made together."""

import gzip
import json
import random
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from adapters.batching import BatchThreads
from adapters.dynamodb.outcome_table import DynamoOutcomeTable
from domain.errors import Unusable
from domain.evaluation.outcome import KeptViolation, OutboxAlert, Outcome, Snapshot, Status, keep
from domain.lease import LEASE_MS
from domain.recording import RecordingId, Results
from tests.fakes.clock import NOON_MS, FakeClock
from tests.fakes.contracts import CLEAR, NOT_FOUND, VIOLATED, OutcomeTableContract
from tests.fakes.make import UUID, alert, body, details, unmet
from tests.integration.aws import TABLE, Aws
from tests.integration.workers import PATIENCE_S

YEAR_S = 365 * 86_400
MAX_ITEM_BYTES = 400 * 1024


@pytest.fixture
def threads() -> BatchThreads:
    return BatchThreads(10, PATIENCE_S)


@pytest.fixture
def table(aws: Aws, clock: FakeClock, threads: BatchThreads) -> DynamoOutcomeTable:
    return DynamoOutcomeTable(aws.dynamodb, TABLE, retention_days=365, now_ms=clock, threads=threads)


class TestDynamoOutcomeTable(OutcomeTableContract):
    pass


def as_map(kept: KeptViolation) -> dict[str, Any]:
    return {name: {"S": getattr(kept, name)} for name in ("rule_id", "subject", "severity", "summary")}


class TestItem:
    def test_a_violated_recording_s_item_is_the_contract_with_every_reader(
        self, aws: Aws, table: DynamoOutcomeTable
    ) -> None:
        table.save(VIOLATED)
        assert VIOLATED.snapshot
        assert VIOLATED.alert
        assert VIOLATED.alert.message
        assert aws.item("RECORDING#123") == {
            "pk": {"S": "RECORDING#123"},
            "sk": {"S": "OUTCOME"},
            "recording_id": {"N": "123"},
            "status": {"S": "violations"},
            "revision": {"N": "1"},
            "source": {"S": "webhook"},
            "violations": {"L": [{"M": as_map(kept)} for kept in VIOLATED.violations]},
            "violations_total": {"N": "2"},
            "results": {"S": VIOLATED.snapshot.json.decode()},
            "results_digest": {"S": "d" * 64},
            "rules_version": {"S": "r" * 16},
            "fetch_started_at": {"S": "2026-11-23T12:00:00.001Z"},
            "evaluated_at": {"S": "2026-11-23T12:00:00.234Z"},
            "alert": {
                "M": {
                    "alert_id": {"S": "a" * 24},
                    "state": {"S": "pending"},
                    "lease_until": {"S": "2026-11-23T12:01:00.000Z"},
                    "message": {"S": VIOLATED.alert.message.model_dump_json()},
                }
            },
            "alerted": {"SS": sorted(VIOLATED.alerted)},
            "expires_at": {"N": str(NOON_MS // 1000 + YEAR_S)},
            "index_day": {"S": "OUTCOME#2026-11-23"},
            "index_time": {"S": "2026-11-23T12:00:00.234Z#123"},
        }

    def test_a_published_alert_says_when_and_keeps_no_message(self, aws: Aws, table: DynamoOutcomeTable) -> None:
        table.save(VIOLATED)
        table.mark_published(VIOLATED, NOON_MS + 5_000)
        assert aws.item("RECORDING#123")["alert"]["M"] == {
            "alert_id": {"S": "a" * 24},
            "state": {"S": "published"},
            "lease_until": {"S": "2026-11-23T12:01:00.000Z"},
            "published_at": {"S": "2026-11-23T12:00:05.000Z"},
        }

    def test_a_value_that_does_not_apply_has_no_attribute(self, aws: Aws, table: DynamoOutcomeTable) -> None:
        table.save(CLEAR)
        assert not {"alert", "alerted", "goals_evaluated"} & set(aws.item("RECORDING#123"))
        table.save(replace(CLEAR, revision=2, goals_evaluated=False))
        assert aws.item("RECORDING#123")["goals_evaluated"] == {"BOOL": False}

    @pytest.mark.parametrize("status", list(Status))
    def test_an_unknown_uuid_has_no_number_and_no_results(
        self, aws: Aws, table: DynamoOutcomeTable, status: Status
    ) -> None:
        table.save(replace(NOT_FOUND, status=status))
        item = aws.item(f"RECORDING#{UUID}")
        assert item["status"] == {"S": str(status)}
        assert not {"recording_id", "results", "results_digest", "rules_version", "alert"} & set(item)
        read = table.read(UUID)
        assert read
        assert read.status is status

    def test_an_alias_names_the_number_and_expires(self, aws: Aws, table: DynamoOutcomeTable) -> None:
        table.remember_alias(UUID, 123)
        assert aws.item(f"ALIAS#{UUID}", "ALIAS") == {
            "pk": {"S": f"ALIAS#{UUID}"},
            "sk": {"S": "ALIAS"},
            "recording_id": {"N": "123"},
            "expires_at": {"N": str(NOON_MS // 1000 + YEAR_S)},
        }


def snapshot_of(padding: str) -> Snapshot:
    data = body(123) | {"padding": padding}
    return Snapshot(Results.model_validate(data), json.dumps(data, ensure_ascii=False).encode())


def noise(length: int) -> str:
    """Text that cannot be compressed to less than three quarters."""
    return "".join(
        random.Random(7).choices("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", k=length)
    )


class TestLargeResults:
    def stored(self, aws: Aws, table: DynamoOutcomeTable, outcome: Outcome) -> dict[str, Any]:
        table.save(outcome)
        return aws.item("RECORDING#123")

    @pytest.mark.parametrize("padding", ["x" * 4_000_000, noise(300_000), "挨" * 100_000])
    def test_results_over_200_kb_are_compressed(self, aws: Aws, table: DynamoOutcomeTable, padding: str) -> None:
        snapshot = snapshot_of(padding)
        item = self.stored(aws, table, replace(CLEAR, snapshot=snapshot))
        assert gzip.decompress(item["results_gzip"]["B"]) == snapshot.json
        assert "results" not in item

    def test_results_too_large_for_an_item_are_left_out_and_their_size_stored(
        self, aws: Aws, table: DynamoOutcomeTable
    ) -> None:
        snapshot = snapshot_of(noise(2_000_000))
        item = self.stored(aws, table, replace(CLEAR, snapshot=snapshot))
        assert item["results_omitted_bytes"] == {"N": str(len(snapshot.json))}
        assert not {"results", "results_gzip"} & set(item)
        assert item["results_digest"] == {"S": "d" * 64}

    @pytest.mark.parametrize(
        ("length", "stored_as", "at_least"),
        [
            (0, "results", 250_000),
            (100_000, "results", 350_000),
            (135_000, "results_gzip", 350_000),
            (190_000, "results_omitted_bytes", 250_000),
        ],
    )
    def test_the_largest_outcomes_are_under_dynamodbs_400_kb(
        self, aws: Aws, table: DynamoOutcomeTable, length: int, stored_as: str, at_least: int
    ) -> None:
        """10,000 violations, 50 kept with the longest names, a pending alert of the largest size, and results."""
        found = tuple(unmet(n, name="👋" * 500, why="👋" * 500, rule=f"{n % 50:064}") for n in range(10_000))
        worst = replace(
            VIOLATED,
            violations=keep(found),
            violations_total=len(found),
            alerted=frozenset(violation.fingerprint for violation in found),
            alert=OutboxAlert("a" * 24, NOON_MS + LEASE_MS, alert(*found, known=details(name="👋" * 500))),
            snapshot=snapshot_of(noise(length)),
        )
        item = self.stored(aws, table, worst)
        assert stored_as in item
        assert at_least < size_of(item) < MAX_ITEM_BYTES
        assert table.read(123) == replace(worst, snapshot=None)

    def test_more_violations_than_an_item_holds_are_refused_and_not_cut_silently(
        self, aws: Aws, table: DynamoOutcomeTable
    ) -> None:
        """Many analyses, each with other pauses, and all of them ever alerted have to be remembered."""
        with pytest.raises(Unusable, match="Recording 123: more violations than one outcome can hold"):
            table.save(replace(VIOLATED, alerted=frozenset(f"{number:012}" for number in range(40_000))))
        assert aws.items() == []


def size_of(value: Any) -> int:
    """An item's size as DynamoDB documents it: names and values in UTF-8, three bytes a container and one an entry."""
    match value:
        case {"L": list(parts)}:
            size = 3 + sum(1 + size_of(part) for part in parts)
        case {"M": dict(parts)}:
            size = 3 + len(parts) + sum(len(name.encode()) + size_of(part) for name, part in parts.items())
        case {"SS": list(parts)}:
            size = sum(len(part.encode()) for part in parts)
        case {"S": str(text)}:
            size = len(text.encode())
        case {"B": bytes(raw)}:
            size = len(raw)
        case {"N": str(digits)}:
            size = len(digits) // 2 + 2
        case {"BOOL": bool()}:
            size = 1
        case _:  # the item itself
            size = sum(len(name.encode()) + size_of(part) for name, part in value.items())
    return size


class TestReadsTogether:
    def test_a_batch_is_one_read_and_each_thread_has_its_own(
        self, aws: Aws, table: DynamoOutcomeTable, threads: BatchThreads
    ) -> None:
        for number in range(1, 9):
            table.save(replace(CLEAR, recording=number))
        table.remember_alias(UUID, 3)
        aws.calls.clear()
        found = threads.run_all(table.read, [*range(1, 10), UUID])
        assert [outcome and outcome.recording for outcome in found] == [*range(1, 9), None, 3]
        assert aws.calls.names == ["dynamodb.BatchGetItem"]
        [asked] = aws.calls.of("dynamodb.BatchGetItem")
        assert asked["RequestItems"][TABLE]["ConsistentRead"] is True

    def test_a_uuid_of_a_recording_outside_the_batch_costs_one_read_more(
        self, aws: Aws, table: DynamoOutcomeTable
    ) -> None:
        table.save(CLEAR)
        table.remember_alias(UUID, 123)
        aws.calls.clear()
        assert table.read(UUID) == replace(CLEAR, snapshot=None)
        assert aws.calls.names == ["dynamodb.BatchGetItem"] * 2

    @pytest.mark.parametrize("named", [{}, {"recording_id": {"S": "123"}}, {"recording_id": {"N": "1.5"}}])
    def test_an_alias_that_cannot_be_read_counts_as_none(
        self, aws: Aws, table: DynamoOutcomeTable, threads: BatchThreads, named: dict[str, Any]
    ) -> None:
        table.save(CLEAR)
        aws.dynamodb.put_item(TableName=TABLE, Item={"pk": {"S": f"ALIAS#{UUID}"}, "sk": {"S": "ALIAS"}} | named)
        recordings: list[RecordingId] = [123, UUID]
        assert threads.run_all(table.read, recordings) == [replace(CLEAR, snapshot=None), None]

    def test_the_results_are_never_read_back(self, aws: Aws, table: DynamoOutcomeTable) -> None:
        table.save(CLEAR)
        table.read(123)
        [asked] = aws.calls.of("dynamodb.BatchGetItem")
        read = asked["RequestItems"][TABLE]["ExpressionAttributeNames"].values()
        assert "revision" in read
        assert not {"results", "results_gzip"} & set(read)


def test_any_other_error_of_a_write_is_raised(aws: Aws, table: DynamoOutcomeTable) -> None:
    aws.dynamodb.delete_table(TableName=TABLE)
    for write, outcome in ((table.save, CLEAR), (table.advance, replace(CLEAR, revision=2))):
        with pytest.raises(ClientError, match="ResourceNotFoundException"):
            write(outcome)
