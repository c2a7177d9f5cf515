"""Discovery's marks. Evaluation writes one for an event that waits.

A mark has its own partition key, because IAM tells writes apart by it: discovery's role cannot write outcomes.
"""

from typing import TYPE_CHECKING

from adapters.dynamodb.keys import Item, mark_key
from adapters.dynamodb.table import UNREADABLE
from domain.discovery.mark import Mark, Marked
from domain.ports import Clock
from domain.recording import RecordingId
from domain.retry import GIVE_UP_AFTER_MS

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class DynamoMarks:
    """The marks that evaluation writes."""

    def __init__(self, dynamodb: "DynamoDBClient", table: str, now_ms: Clock) -> None:
        self._dynamodb = dynamodb
        self._table = table
        self._now_ms = now_ms

    def mark_sent(self, recording: RecordingId) -> None:
        # Evaluation does not know discovery's lookback. A day is enough, because no event waits longer.
        item = mark_item(recording, Mark.SENT, self._now_ms(), GIVE_UP_AFTER_MS)
        self._dynamodb.put_item(TableName=self._table, Item=item)


def mark_item(recording: RecordingId, mark: Mark, now_ms: int, lookback_ms: int) -> Item:
    """The whole item. It outlives the lookback by the longest time that an event can wait.

    DynamoDB deletes an expired item within days. A mark that is still there does no harm.
    """
    return mark_key(recording).attributes | {
        "mark": {"S": mark},
        "marked_ms": {"N": str(now_ms)},
        "expires_at": {"N": str((now_ms + lookback_ms + GIVE_UP_AFTER_MS) // 1000)},
    }


def read_mark(item: Item) -> Marked | None:
    """The mark, or `None` if it cannot be read. The recording is then announced once more, and marked anew."""
    try:
        return Marked(Mark(item["mark"]["S"]), int(item["marked_ms"]["N"]))
    except UNREADABLE:
        return None
