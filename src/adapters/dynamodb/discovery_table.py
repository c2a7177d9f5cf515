"""What discovery knows, in the outcome table: its state, `pk = DISCOVERY, sk = STATE`, and its marks."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from adapters.dynamodb.conditional_write import fenced
from adapters.dynamodb.discovery_mark import Item, mark_item, mark_key
from domain.discovery.mark import Mark, Marked
from domain.discovery.state import DiscoveryState, Judged, Order, Trace, Walk
from domain.evaluation.outcome import Source, Status
from domain.ports import Clock
from domain.recording import RecordingId

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_STATE_KEY: Final[Item] = {"pk": {"S": "DISCOVERY"}, "sk": {"S": "STATE"}}
_READ_ATTRIBUTES: Final = ("pk", "sk", "recording_id", "status", "source", "evaluated_at", "mark", "marked_ms")
_JUDGED: Final = frozenset({Status.CLEAR.value, Status.VIOLATIONS.value})
_READ_TOGETHER: Final = 100
_WRITTEN_TOGETHER: Final = 25
"""Both are DynamoDB's limits of one call."""
_CALLS_TRIED: Final = 5


class DynamoDiscoveryMemory:
    def __init__(self, dynamodb: "DynamoDBClient", table: str, lookback_ms: int, now_ms: Clock) -> None:
        self._dynamodb = dynamodb
        self._table = table
        self._lookback_ms = lookback_ms
        self._now_ms = now_ms

    def state(self) -> DiscoveryState | None:
        item = self._dynamodb.get_item(TableName=self._table, Key=_STATE_KEY, ConsistentRead=True).get("Item")
        return _state(item) if item else None

    def save(self, state: DiscoveryState) -> None:
        condition: dict[str, Any] = {"ConditionExpression": "attribute_not_exists(pk)"}
        if state.revision > 1:
            condition = {
                "ConditionExpression": "revision = :standing",
                "ExpressionAttributeValues": {":standing": {"N": str(state.revision - 1)}},
            }
        item = _STATE_KEY | _state_item(state)
        fenced(lambda: self._dynamodb.put_item(TableName=self._table, Item=item, **condition))

    def look_up(self, recordings: Collection[RecordingId]) -> dict[RecordingId, Trace]:
        """One read of the outcomes (two where ids are UUIDs), then of the marks where outcomes are missing."""
        numbers = self._numbers_of([recording for recording in recordings if isinstance(recording, str)])
        named = {recording: numbers.get(recording, recording) for recording in recordings}
        outcomes = self._get(_outcome_key(name) for name in named.values())
        traces: dict[RecordingId, Trace] = {}
        given_up_ms: dict[RecordingId, int] = {}
        for recording, name in named.items():
            if item := outcomes.get(_pk(_outcome_key(name))):
                evaluated_ms = _epoch_ms(item["evaluated_at"]["S"])
                if item["status"]["S"] in _JUDGED:
                    traces[recording] = Judged(Source(item["source"]["S"]), evaluated_ms)
                else:
                    given_up_ms[recording] = evaluated_ms  # Now it is completed: what was marked before says nothing.
        unknown = [recording for recording in recordings if recording not in traces]
        marks = self._marks_of(unknown).items()
        return traces | {each: marked for each, marked in marks if marked.at_ms > given_up_ms.get(each, 0)}

    def mark(self, recordings: Collection[RecordingId], mark: Mark) -> None:
        now_ms = self._now_ms()
        for some in _batched(recordings, _WRITTEN_TOGETHER):
            self._put_all([mark_item(recording, mark, now_ms, self._lookback_ms) for recording in some])

    def _marks_of(self, recordings: Collection[RecordingId]) -> dict[RecordingId, Marked]:
        """Of each recording its latest mark, in the new or the old place."""
        keys = {recording: (mark_key(recording), _old_mark_key(recording)) for recording in recordings}
        items = self._get(key for both in keys.values() for key in both)
        latest: dict[RecordingId, Marked] = {}
        for recording, both in keys.items():
            if marks := [_marked(item) for key in both if (item := items.get(_pk(key)))]:
                latest[recording] = max(marks, key=lambda marked: marked.at_ms)
        return latest

    def _numbers_of(self, uuids: Collection[str]) -> dict[RecordingId, RecordingId]:
        aliases = self._get({"pk": {"S": f"ALIAS#{uuid}"}, "sk": {"S": "ALIAS"}} for uuid in uuids)
        return {uuid: int(item["recording_id"]["N"]) for uuid in uuids if (item := aliases.get(f"ALIAS#{uuid}"))}

    def _get(self, keys: Iterable[Item]) -> dict[str, Item]:
        """Items by `pk`. Read at half the price: what was written this very moment is at worst announced once more."""
        names = {f"#{number}": name for number, name in enumerate(_READ_ATTRIBUTES)}
        found: dict[str, Item] = {}
        distinct = {_pk(key): key for key in keys}
        for some in _batched(distinct.values(), _READ_TOGETHER):
            wanted: Any = {
                self._table: {
                    "Keys": some,
                    "ProjectionExpression": ", ".join(names),
                    "ExpressionAttributeNames": names,
                }
            }
            for _ in range(_CALLS_TRIED):
                answer = self._dynamodb.batch_get_item(RequestItems=wanted)
                found |= {_pk(item): item for item in answer["Responses"].get(self._table, [])}
                wanted = answer.get("UnprocessedKeys")
                if not wanted:
                    break
            else:
                raise TimeoutError(f"DynamoDB left keys of {self._table} unread {_CALLS_TRIED} times")
        return found

    def _put_all(self, items: list[Item]) -> None:
        wanted: Any = {self._table: [{"PutRequest": {"Item": item}} for item in items]}
        for _ in range(_CALLS_TRIED):
            wanted = self._dynamodb.batch_write_item(RequestItems=wanted).get("UnprocessedItems")
            if not wanted:
                return
        raise TimeoutError(f"DynamoDB left items of {self._table} unwritten {_CALLS_TRIED} times")


def _state(item: Mapping[str, Any]) -> DiscoveryState:
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
    item: Item = {
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


def _outcome_key(recording: RecordingId) -> Item:
    return {"pk": {"S": f"RECORDING#{recording}"}, "sk": {"S": "OUTCOME"}}


def _old_mark_key(recording: RecordingId) -> Item:
    """Where marks stood until 2026-11-24. It may go in a release at least 31 days later: the longest lookback and a
    day, after which the last of them has expired."""
    return {"pk": {"S": f"RECORDING#{recording}"}, "sk": {"S": "DISCOVERED"}}


def _marked(item: Item) -> Marked:
    return Marked(Mark(item["mark"]["S"]), int(item["marked_ms"]["N"]))


def _pk(item: Item) -> str:
    return str(item["pk"]["S"])


def _epoch_ms(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)


def _batched(items: Iterable[Any], size: int) -> Iterator[list[Any]]:
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch
