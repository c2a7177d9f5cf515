"""A mark in the outcome table: `pk = MARK#<id>, sk = DISCOVERED`. Discovery writes it, and evaluation for what waits.

Its `pk` is not the outcome's: IAM tells writes apart by it, so discovery's role can write marks and no outcome.
"""

from typing import Any, Final

from domain.discovery.mark import Mark
from domain.recording import RecordingId

Item = dict[str, Any]
"""Attribute values as DynamoDB spells them: `{"S": …}`, `{"N": …}`."""

_OUTLIVES_LOOKBACK_MS: Final = 24 * 3_600_000
"""As long as an event can be deferred, so that a mark stays while the event of its recording waits."""


def mark_key(recording: RecordingId) -> Item:
    return {"pk": {"S": f"MARK#{recording}"}, "sk": {"S": "DISCOVERED"}}


def mark_item(recording: RecordingId, mark: Mark, now_ms: int, lookback_ms: int) -> Item:
    """The whole item. It expires a day after the lookback; DynamoDB deletes it within days, and until then it does no
    harm."""
    return mark_key(recording) | {
        "mark": {"S": mark},
        "marked_ms": {"N": str(now_ms)},
        "expires_at": {"N": str((now_ms + lookback_ms + _OUTLIVES_LOOKBACK_MS) // 1000)},
    }
