"""What discovery remembers in the outcome table: its state, one item, and a mark for each recording."""

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Final

from adapters.dynamodb.keys import DISCOVERY_STATE_KEY, Item, Key, alias_key, mark_key, old_mark_key, outcome_key
from adapters.dynamodb.marks import mark_item, read_mark
from adapters.dynamodb.table import at_revision, batch_read, batch_write, conditional
from domain.discovery.mark import Mark, Marked
from domain.discovery.state import DiscoveryState, Judged, Order, Trace, Walk
from domain.evaluation.outcome import Source, Status
from domain.ports import Clock
from domain.recording import RecordingId
from domain.wording import epoch_ms

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_READ_ATTRIBUTES: Final = ("recording_id", "status", "source", "evaluated_at", "mark", "marked_ms")
_JUDGED: Final = frozenset({Status.CLEAR.value, Status.VIOLATIONS.value})


class DynamoDiscoveryMemory:
    def __init__(self, dynamodb: "DynamoDBClient", table: str, lookback_ms: int, now_ms: Clock) -> None:
        self._dynamodb = dynamodb
        self._table = table
        self._lookback_ms = lookback_ms
        self._now_ms = now_ms

    def state(self) -> DiscoveryState | None:
        found = self._dynamodb.get_item(TableName=self._table, Key=DISCOVERY_STATE_KEY.attributes, ConsistentRead=True)
        return _state(found["Item"]) if "Item" in found else None

    def save(self, state: DiscoveryState) -> None:
        item = _state_item(state)
        with conditional():
            self._dynamodb.put_item(TableName=self._table, Item=item, **at_revision(state.revision - 1))

    def look_up(self, recordings: Collection[RecordingId]) -> dict[RecordingId, Trace]:
        """One read of the outcomes (two where ids are UUIDs), then of the marks where outcomes are missing."""
        numbers = self._numbers_of([recording for recording in recordings if isinstance(recording, str)])
        named = {recording: numbers.get(recording, recording) for recording in recordings}
        outcomes = self._read(outcome_key(name) for name in named.values())
        traces: dict[RecordingId, Trace] = {}
        given_up_ms: dict[RecordingId, int] = {}
        for recording, name in named.items():
            if item := outcomes.get(outcome_key(name)):
                evaluated_ms = epoch_ms(item["evaluated_at"]["S"])
                if item["status"]["S"] in _JUDGED:
                    traces[recording] = Judged(Source(item["source"]["S"]), evaluated_ms)
                else:
                    given_up_ms[recording] = evaluated_ms  # It is completed now: an earlier mark no longer counts.
        unknown = [recording for recording in recordings if recording not in traces]
        marks = self._marks_of(unknown).items()
        return traces | {each: marked for each, marked in marks if marked.at_ms > given_up_ms.get(each, 0)}

    def mark(self, recordings: Collection[RecordingId], mark: Mark) -> None:
        now_ms = self._now_ms()
        items = [mark_item(recording, mark, now_ms, self._lookback_ms) for recording in recordings]
        batch_write(self._dynamodb, self._table, items)

    def _marks_of(self, recordings: Collection[RecordingId]) -> dict[RecordingId, Marked]:
        """The latest mark of each recording, under the new or the old key."""
        keys = {recording: (mark_key(recording), old_mark_key(recording)) for recording in recordings}
        items = self._read(key for both in keys.values() for key in both)
        latest: dict[RecordingId, Marked] = {}
        for recording, both in keys.items():
            if marks := [read_mark(item) for key in both if (item := items.get(key))]:
                latest[recording] = max(marks, key=lambda marked: marked.at_ms)
        return latest

    def _numbers_of(self, uuids: Collection[str]) -> dict[RecordingId, RecordingId]:
        aliases = self._read(alias_key(uuid) for uuid in uuids)
        return {uuid: int(item["recording_id"]["N"]) for uuid in uuids if (item := aliases.get(alias_key(uuid)))}

    def _read(self, keys: Iterable[Key]) -> dict[Key, Item]:
        # Eventually consistent, at half the price: at worst a recording written just now is announced once more.
        return batch_read(self._dynamodb, self._table, keys, _READ_ATTRIBUTES, consistent=False)


def _state(item: Item) -> DiscoveryState:
    walk = item.get("walk", {}).get("M")
    return DiscoveryState(
        started_ms=int(item["started_ms"]["N"]),
        revision=int(item["revision"]["N"]),
        order=Order(item["order"]["S"]) if "order" in item else None,
        last_page=int(item["last_page"]["N"]),
        walk=Walk(
            horizon_ms=int(walk["horizon_ms"]["N"]),
            begun_ms=int(walk["begun_ms"]["N"]),
            left_at=tuple(int(page["N"]) for page in walk["left_at"]["L"]),
        )
        if walk
        else None,
        other_trigger_ms=int(item["other_trigger_ms"]["N"]),
        not_before_ms=int(item["not_before_ms"]["N"]),
    )


def _state_item(state: DiscoveryState) -> Item:
    item: Item = DISCOVERY_STATE_KEY.attributes | {
        "started_ms": {"N": str(state.started_ms)},
        "revision": {"N": str(state.revision)},
        "last_page": {"N": str(state.last_page)},
        "other_trigger_ms": {"N": str(state.other_trigger_ms)},
        "not_before_ms": {"N": str(state.not_before_ms)},
    }
    if state.order:
        item["order"] = {"S": state.order}
    if state.walk:
        item["walk"] = {
            "M": {
                "horizon_ms": {"N": str(state.walk.horizon_ms)},
                "begun_ms": {"N": str(state.walk.begun_ms)},
                "left_at": {"L": [{"N": str(page)} for page in state.walk.left_at]},
            }
        }
    return item
