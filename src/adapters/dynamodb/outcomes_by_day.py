"""Outcomes of a span of time, found by the index and read with their results; and the verdicts of that time on."""

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from adapters.dynamodb.judged import read_details
from adapters.dynamodb.keys import BY_DAY, VERDICT, Indexed, Item, Key, outcome_key
from adapters.dynamodb.table import UNREADABLE, batch_read
from domain.backtest.stored import NotJudged, StoredOutcome

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_MOST_RESULTS_BYTES: Final = 8_000_000
"""Uncompressed. Evaluation takes bodies of 2 MB; what is larger was not written by it."""
_SAMPLE: Final = 1_000
_ATTRIBUTES: Final = (
    "recording_id",
    "status",
    "evaluated_at",
    "results",
    "results_gzip",
    "results_omitted_bytes",
    "recording",
    "goals_evaluated",
    "rules_version",
)
_WITHOUT_RESULTS: Final = {
    each.value: each for each in (NotJudged.NOT_FOUND, NotJudged.ANALYSIS_FAILED, NotJudged.ERASED)
}


@dataclass(frozen=True, slots=True)
class Found:
    """An outcome in the index: its key, and why it needs no read, if it has no results."""

    key: Key
    not_judged: NotJudged | None


def days(from_at: str, to_at: str) -> list[str]:
    """The UTC days between two ISO 8601 times, both included: `2026-11-23`."""
    first, last = (datetime.fromisoformat(at[:10]).replace(tzinfo=UTC) for at in (from_at, to_at))
    return [f"{first + timedelta(days=number):%Y-%m-%d}" for number in range((last - first).days + 1)]


class OutcomesByDay:
    """Reads of one table. Each may be called from any thread. All raise botocore's errors."""

    def __init__(self, dynamodb: "DynamoDBClient", table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table

    def find(self, day: str, from_at: str, to_at: str) -> Iterator[list[Found]]:
        """The outcomes of one day from `from_at` on and before `to_at`, a page of the index at a time."""
        for items in self._pages(Indexed.OUTCOME, day, from_at, to_at, "#status"):
            yield [Found(Key.of(item), _WITHOUT_RESULTS.get(item.get("status", {}).get("S", ""))) for item in items]

    def read(self, keys: Sequence[Key]) -> list[StoredOutcome | NotJudged]:
        """These outcomes with their results. Raises `TimeoutError` where DynamoDB leaves some unread."""
        items = batch_read(self._dynamodb, self._table, keys, _ATTRIBUTES, consistent=False)
        return [_stored(item) for item in items.values()]

    def verdicts(self, day: str, from_at: str, to_at: str) -> Iterator[tuple[str, dict[str, str]]]:
        """Recording id as text, and the verdict of each fingerprint, in the order in which they were given."""
        for items in self._pages(Indexed.VERDICT, day, from_at, to_at, "verdicts"):
            for item in items:
                yield item["pk"]["S"].partition("#")[2], _answers(item)

    def verdicts_of(self, recording: int, from_at: str) -> dict[str, str]:
        """The verdict of each fingerprint of one recording, as far as it was given from that time on."""
        found = self._dynamodb.query(
            TableName=self._table,
            KeyConditionExpression="pk = :pk AND begins_with(sk, :verdict)",
            ExpressionAttributeValues={":pk": {"S": outcome_key(recording).pk}, ":verdict": {"S": VERDICT}},
            ProjectionExpression="index_time, verdicts",
        )["Items"]
        timed = [item for item in found if item.get("index_time", {"S": ""})["S"] >= from_at]
        timed.sort(key=lambda item: item["index_time"]["S"])
        return {mark: verdict for item in timed for mark, verdict in _answers(item).items()}

    def sample(self) -> tuple[int, int]:
        """Of one page of the table: its outcomes, and how many of them are not in the index."""
        answer = self._dynamodb.scan(TableName=self._table, Limit=_SAMPLE, ProjectionExpression="sk, index_day")
        outcomes = [item for item in answer["Items"] if item["sk"].get("S") == "OUTCOME"]
        return len(outcomes), sum("index_day" not in item for item in outcomes)

    def _pages(self, what: Indexed, day: str, from_at: str, to_at: str, attribute: str) -> Iterator[list[Item]]:
        asked: dict[str, Any] = {
            "TableName": self._table,
            "IndexName": BY_DAY,
            "KeyConditionExpression": "index_day = :day AND index_time BETWEEN :from AND :to",
            "ExpressionAttributeValues": {
                ":day": {"S": f"{what}#{day}"},
                ":from": {"S": from_at},
                ":to": {"S": to_at},  # before any key of that time, which goes on with an id
            },
            "ProjectionExpression": f"pk, sk, {attribute}",
        }
        if attribute == "#status":
            asked["ExpressionAttributeNames"] = {"#status": "status"}
        while True:
            answer: Any = self._dynamodb.query(**asked)
            yield answer["Items"]
            if "LastEvaluatedKey" not in answer:
                return
            asked["ExclusiveStartKey"] = answer["LastEvaluatedKey"]


def _answers(item: Item) -> dict[str, str]:
    """By fingerprint; none where they cannot be read."""
    try:
        return {mark: str(each["M"]["verdict"]["S"]) for mark, each in item["verdicts"]["M"].items()}
    except UNREADABLE:
        return {}


def _stored(item: Item) -> StoredOutcome | NotJudged:
    try:
        status = item["status"]["S"]
        if status in _WITHOUT_RESULTS:
            return _WITHOUT_RESULTS[status]
        if "results" in item:
            results: str | bytes = item["results"]["S"]
        elif "results_gzip" in item:
            results = _uncompressed(item["results_gzip"]["B"])
        else:
            return NotJudged.OMITTED if "results_omitted_bytes" in item else NotJudged.ABSENT
        return StoredOutcome(
            int(item["recording_id"]["N"]),
            item["evaluated_at"]["S"],
            results,
            read_details(item),
            item["goals_evaluated"]["BOOL"] if "goals_evaluated" in item else True,
            item["rules_version"]["S"] if "rules_version" in item else None,
        )
    except (*UNREADABLE, EOFError, OSError, zlib.error):
        return NotJudged.UNREADABLE


def _uncompressed(packed: bytes) -> bytes:
    """Raises `ValueError` where it is more than any body."""
    reader = zlib.decompressobj(zlib.MAX_WBITS | 16)
    data = reader.decompress(packed, _MOST_RESULTS_BYTES)
    if reader.unconsumed_tail or not reader.eof:
        raise ValueError("too long, or cut")
    return data
