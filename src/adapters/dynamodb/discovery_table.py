"""What discovery remembers in the outcome table: its state, one item, and a mark for each recording."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Final

from adapters.dynamodb.keys import (
    DISCOVERY_STATE_KEY,
    Item,
    Key,
    alias_key,
    mark_key,
    numbers_of,
    old_mark_key,
    outcome_key,
)
from adapters.dynamodb.marks import mark_item, read_mark
from adapters.dynamodb.table import UNREADABLE, at_revision, batch_read, batch_write, conditional
from domain.discovery.decision import Judged, Trace
from domain.discovery.mark import Mark, Marked
from domain.discovery.recording_list import Order
from domain.discovery.spans import Span, Spans
from domain.discovery.state import DiscoveryState
from domain.evaluation.outcome import Status
from domain.ports import Clock
from domain.recording import RecordingId
from domain.triggers.source import Source
from domain.wording import epoch_ms

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_READ_ATTRIBUTES: Final = ("recording_id", "status", "source", "evaluated_at", "mark", "marked_ms")
_HOUR_MS: Final = 3_600_000
_GIVEN_UP_FOR_MS: Final = _HOUR_MS
"""How long a mark counts that is later than an outcome without results. Its event may have found the same again, or
been answered by that outcome. So a recording that the list calls completed is announced once an hour until it is
judged."""
_JUDGED: Final = frozenset({Status.CLEAR.value, Status.VIOLATIONS.value})


class DynamoDiscoveryMemory:
    def __init__(self, dynamodb: "DynamoDBClient", table: str, lookback_ms: int, now_ms: Clock) -> None:
        self._dynamodb = dynamodb
        self._table = table
        self._lookback_ms = lookback_ms
        self._now_ms = now_ms

    def state(self) -> DiscoveryState | None:
        found = self._dynamodb.get_item(TableName=self._table, Key=DISCOVERY_STATE_KEY.attributes, ConsistentRead=True)
        return _state(found["Item"], self._now_ms()) if "Item" in found else None

    def save(self, state: DiscoveryState) -> None:
        item = _state_item(state)
        with conditional():
            self._dynamodb.put_item(TableName=self._table, Item=item, **at_revision(state.revision - 1))

    def look_up(self, recordings: Collection[RecordingId]) -> dict[RecordingId, Trace]:
        """One read of the outcomes (two where ids are UUIDs), then of the marks where outcomes are missing."""
        numbers = self._numbers_of([recording for recording in recordings if isinstance(recording, str)])
        outcomes = self._read(outcome_key(numbers.get(recording, recording)) for recording in recordings)
        traces: dict[RecordingId, Trace] = {}
        given_up_ms: dict[RecordingId, int] = {}
        for recording in recordings:
            if item := outcomes.get(outcome_key(numbers.get(recording, recording))):
                try:
                    status = item["status"]["S"]
                    judged = Judged(Source(item["source"]["S"]), epoch_ms(item["evaluated_at"]["S"]))
                except UNREADABLE:
                    continue  # Announced as new. Evaluation dead-letters it with the reason.
                if status in _JUDGED:
                    traces[recording] = judged
                else:
                    given_up_ms[recording] = judged.evaluated_ms
        names = {
            recording: {recording, numbers.get(recording, recording)}
            for recording in recordings
            if recording not in traces
        }
        now_ms = self._now_ms()
        return traces | {
            recording: marked
            for recording, marked in self._marks_of(names).items()
            if recording not in given_up_ms or max(given_up_ms[recording], now_ms - _GIVEN_UP_FOR_MS) < marked.at_ms
        }

    def mark(self, recordings: Collection[RecordingId], mark: Mark) -> None:
        now_ms = self._now_ms()
        items = [mark_item(recording, mark, now_ms, self._lookback_ms) for recording in recordings]
        batch_write(self._dynamodb, self._table, items)

    def _marks_of(self, names: Mapping[RecordingId, Collection[RecordingId]]) -> dict[RecordingId, Marked]:
        """The latest mark of each recording, under any of its names, and under the new or the old key."""
        keys = {
            recording: [key for name in known for key in (mark_key(name), old_mark_key(name))]
            for recording, known in names.items()
        }
        items = self._read(key for some in keys.values() for key in some)
        latest: dict[RecordingId, Marked] = {}
        for recording, some in keys.items():
            marks = [mark for key in some if key in items and (mark := read_mark(items[key]))]
            if marks:
                latest[recording] = max(marks, key=lambda marked: marked.at_ms)
        return latest

    def _numbers_of(self, uuids: Collection[str]) -> dict[RecordingId, int]:
        return numbers_of(uuids, self._read(alias_key(uuid) for uuid in uuids))

    def _read(self, keys: Iterable[Key]) -> dict[Key, Item]:
        # Eventually consistent, at half the price: at worst a recording written just now is announced once more.
        return batch_read(self._dynamodb, self._table, keys, _READ_ATTRIBUTES, consistent=False)


def _state(item: Item, now_ms: int) -> DiscoveryState:
    return DiscoveryState(
        started_ms=int(item["started_ms"]["N"]),
        revision=int(item["revision"]["N"]),
        looked_ms=int(item["looked_ms"]["N"]) if "looked_ms" in item else None,
        spans=_spans(item, now_ms),
        order=Order(item["order"]["S"]) if "order" in item else None,
        last_page=int(item["last_page"]["N"]),
        other_trigger_ms=int(item["other_trigger_ms"]["N"]),
        not_before_ms=int(item["not_before_ms"]["N"]),
    )


def _spans(item: Item, now_ms: int) -> Spans:
    if "walk" in item:
        # Written before 2026-11-25. It does not tell which creation times are done, so all of them are open.
        walk = item["walk"]["M"]
        return (Span(from_ms=int(walk["horizon_ms"]["N"]), to_ms=now_ms, due_ms=now_ms + _HOUR_MS),)
    stored = item["spans"]["L"] if "spans" in item else []
    return tuple(Span(**{name: int(value["N"]) for name, value in span["M"].items()}) for span in stored)


def _state_item(state: DiscoveryState) -> Item:
    item: Item = DISCOVERY_STATE_KEY.attributes | {
        "started_ms": {"N": str(state.started_ms)},
        "revision": {"N": str(state.revision)},
        "spans": {"L": [{"M": _numbers(asdict(span))} for span in state.spans]},
        "last_page": {"N": str(state.last_page)},
        "other_trigger_ms": {"N": str(state.other_trigger_ms)},
        "not_before_ms": {"N": str(state.not_before_ms)},
    }
    if state.looked_ms is not None:
        item["looked_ms"] = {"N": str(state.looked_ms)}
    if state.order:
        item["order"] = {"S": state.order}
    return item


def _numbers(values: Mapping[str, int | None]) -> Item:
    return {name: {"N": str(value)} for name, value in values.items() if value is not None}
