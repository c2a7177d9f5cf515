"""Older outcomes and deliveries, put into the index by day. Where it stopped is an item, so that it can go on."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from adapters.dynamodb.keys import REINDEX_KEY, Indexed, Item, Key, by_day, recording_of
from adapters.dynamodb.table import LostWrite, conditional
from domain.wording import iso, parse_moment

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_KEPT_S: Final = 7 * 86_400
_LACKING: Final = "attribute_not_exists(index_day) AND (sk = :outcome OR begins_with(sk, :delivery))"


@dataclass(frozen=True, slots=True)
class Page:
    """Items read with one page of the table, and those of them that the index lacks."""

    read: int
    lacking: tuple[Item, ...]
    last: Item | None


class Reindexing:
    """Steps of one table's reindexing. All raise botocore's errors."""

    def __init__(self, dynamodb: "DynamoDBClient", table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table

    def size(self) -> tuple[int, int]:
        """Items and bytes of the table, as DynamoDB last counted them: up to six hours ago."""
        described = self._dynamodb.describe_table(TableName=self._table)["Table"]
        return described.get("ItemCount", 0), described.get("TableSizeBytes", 0)

    def stopped_at(self) -> Item | None:
        """The key after which an earlier run has not looked; `None` where no run was stopped within a week."""
        found = self._dynamodb.get_item(TableName=self._table, Key=REINDEX_KEY.attributes).get("Item")
        return dict(found["last"]["M"]) if found and "last" in found else None

    def pages(self, start: Item | None) -> Iterator[Page]:
        """The whole table from `start` on. DynamoDB counts every item that is read."""
        asked: dict[str, Any] = {
            "TableName": self._table,
            "FilterExpression": _LACKING,
            "ExpressionAttributeValues": {":outcome": {"S": "OUTCOME"}, ":delivery": {"S": "DELIVERY#"}},
            "ProjectionExpression": "pk, sk, evaluated_at, sent_at, lease_until_ms",
        }
        while True:
            if start:
                asked["ExclusiveStartKey"] = start
            answer: Any = self._dynamodb.scan(**asked)
            start = answer.get("LastEvaluatedKey")
            yield Page(answer["ScannedCount"], tuple(answer["Items"]), start)
            if not start:
                return

    def add(self, item: Item) -> bool:
        """Put one item into the index. False where evaluation wrote it meanwhile, or it shows no time."""
        key, at = Key.of(item), _time_of(item)
        if at is None:
            return False
        what = Indexed.OUTCOME if key.sk == "OUTCOME" else Indexed.DELIVERY
        day = by_day(what, at, recording_of(item))
        try:
            with conditional():
                self._dynamodb.update_item(
                    TableName=self._table,
                    Key=key.attributes,
                    UpdateExpression="SET index_day = :day, index_time = :time",
                    ConditionExpression="attribute_exists(pk) AND attribute_not_exists(index_day)",
                    ExpressionAttributeValues={":day": day["index_day"], ":time": day["index_time"]},
                )
        except LostWrite:
            return False
        return True

    def note(self, last: Item | None) -> None:
        """Remember for a week where this run is; `None`: it is done."""
        if last is None:
            self._dynamodb.delete_item(TableName=self._table, Key=REINDEX_KEY.attributes)
            return
        where = {"last": {"M": last}, "expires_at": {"N": str(int(time.time()) + _KEPT_S)}}
        self._dynamodb.put_item(TableName=self._table, Item=REINDEX_KEY.attributes | where)


def _time_of(item: Item) -> str | None:
    """When it was judged; of a delivery, which did not say so, when it was sent or last tried."""
    try:
        if "lease_until_ms" in item and "sent_at" not in item:
            return iso(int(item["lease_until_ms"]["N"]))
        text = str(item["evaluated_at" if "evaluated_at" in item else "sent_at"]["S"])
        return text if parse_moment(text) else None
    except (KeyError, TypeError, ValueError, OverflowError, OSError):
        return None
