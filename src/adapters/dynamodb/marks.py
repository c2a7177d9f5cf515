"""Discovery's marks. Evaluation writes one for an event that waits.

A mark has its own partition key, because IAM tells writes apart by it: discovery's role cannot write outcomes.
"""

from adapters.dynamodb.keys import Item, mark_key
from domain.discovery.mark import Mark, Marked
from domain.recording import RecordingId
from domain.retry import GIVE_UP_AFTER_MS


def mark_item(recording: RecordingId, mark: Mark, now_ms: int, lookback_ms: int) -> Item:
    """The whole item. It outlives the lookback by the longest time that an event can wait.

    DynamoDB deletes an expired item within days. A mark that is still there does no harm.
    """
    return mark_key(recording).attributes | {
        "mark": {"S": mark},
        "marked_ms": {"N": str(now_ms)},
        "expires_at": {"N": str((now_ms + lookback_ms + GIVE_UP_AFTER_MS) // 1000)},
    }


def read_mark(item: Item) -> Marked:
    return Marked(Mark(item["mark"]["S"]), int(item["marked_ms"]["N"]))
