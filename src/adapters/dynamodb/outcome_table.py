"""Outcomes in DynamoDB: `pk = RECORDING#<id>, sk = OUTCOME`, and `pk = ALIAS#<uuid>` for the other name.

Every write is conditional on the revision before its own. The outcome is one item, being its alert's outbox as well.
"""

import gzip
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, TypeVar

from adapters.batching import Crew, Together
from adapters.dynamodb.conditional_write import fenced
from adapters.dynamodb.discovery_mark import mark_item
from domain.alerts.alert import Alert
from domain.discovery.mark import Mark
from domain.errors import Unusable
from domain.evaluation.outcome import KeptViolation, OutboxAlert, Outcome, Snapshot, Source, Status
from domain.ports import Clock
from domain.recording import RecordingId
from domain.rules.violation import Severity
from domain.wording import iso

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

Item = dict[str, Any]
"""Attribute values as DynamoDB spells them: `{"S": …}`, `{"N": …}`."""

V = TypeVar("V")

DAY_S: Final = 86_400
_MARK_LOOKBACK_MS: Final = DAY_S * 1000
"""Evaluation does not know discovery's lookback. A day is enough: an event waits no longer."""
_PLAIN_RESULTS_BYTES: Final = 200_000
_ITEM_BYTES: Final = 390_000
"""DynamoDB takes items of 400 KB; a reserve for attribute names and numbers."""
_READS_TRIED: Final = 5
_READ_ATTRIBUTES: Final = (
    "pk",
    "recording_id",
    "status",
    "violations",
    "violations_total",
    "results_digest",
    "rules_version",
    "goals_evaluated",
    "evaluated_at",
    "fetch_started_at",
    "revision",
    "alert",
    "alerted",
    "source",
)
"""All but the results, which nothing reads back."""


class DynamoOutcomeTable:
    """Reads of several threads become one `BatchGetItem`; see `Together`."""

    def __init__(self, dynamodb: "DynamoDBClient", table: str, retention_days: int, now_ms: Clock, crew: Crew) -> None:
        self._dynamodb = dynamodb
        self._table = table
        self._retention_s = retention_days * DAY_S
        self._now_ms = now_ms
        self._read_together = Together(self._read_all, crew)

    def read(self, recording: RecordingId) -> Outcome | None:
        return self._read_together(recording)

    def save(self, outcome: Outcome) -> None:
        condition: dict[str, Any] = {"ConditionExpression": "attribute_not_exists(pk)"}
        if outcome.revision > 1:
            condition = _at_revision(outcome.revision - 1)
        item = self._item(outcome)
        fenced(lambda: self._dynamodb.put_item(TableName=self._table, Item=item, **condition))

    def advance(self, outcome: Outcome) -> None:
        values: Item = {
            ":fetched": {"S": iso(outcome.fetch_started_ms)},
            ":next": {"N": str(outcome.revision)},
        }
        changes = "SET fetch_started_at = :fetched, revision = :next"
        if outcome.alert:
            changes += ", alert = :alert"
            values[":alert"] = {"M": _alert_map(outcome.alert)}
        condition = _at_revision(outcome.revision - 1)
        condition["ExpressionAttributeValues"] |= values
        key = _outcome_key(outcome.recording)
        fenced(
            lambda: self._dynamodb.update_item(TableName=self._table, Key=key, UpdateExpression=changes, **condition)
        )

    def remember_alias(self, uuid: str, recording: int) -> None:
        expires_at = self._now_ms() // 1000 + self._retention_s
        named = {"recording_id": {"N": str(recording)}, "expires_at": {"N": str(expires_at)}}
        self._dynamodb.put_item(TableName=self._table, Item=_alias_key(uuid) | named)

    def mark_on_its_way(self, recording: RecordingId) -> None:
        item = mark_item(recording, Mark.SENT, self._now_ms(), _MARK_LOOKBACK_MS)
        self._dynamodb.put_item(TableName=self._table, Item=item)

    def _read_all(self, recordings: Sequence[RecordingId]) -> list[Outcome | None]:
        """One read for all; a second one for the recordings that UUIDs turned out to be."""
        uuids = list(dict.fromkeys(recording for recording in recordings if isinstance(recording, str)))
        items = self._get([_outcome_key(recording) for recording in recordings] + [_alias_key(uuid) for uuid in uuids])
        named = {uuid: int(item["recording_id"]["N"]) for uuid in uuids if (item := items.get(_pk(_alias_key(uuid))))}
        missing = [_outcome_key(recording) for recording in named.values() if _pk(_outcome_key(recording)) not in items]
        if missing:
            items |= self._get(missing)
        return [_outcome(found) if (found := _under_either_name(recording, named, items)) else None
                for recording in recordings]  # fmt: skip

    def _get(self, keys: Sequence[Item]) -> dict[str, Item]:
        """Items by `pk`. What DynamoDB leaves unprocessed (16 MB an answer) is asked for again."""
        names = {f"#{number}": name for number, name in enumerate(_READ_ATTRIBUTES)}
        distinct = list({_pk(key): key for key in keys}.values())
        found: dict[str, Item] = {}
        wanted: Any = {
            self._table: {
                "Keys": distinct,
                "ConsistentRead": True,
                "ProjectionExpression": ", ".join(names),
                "ExpressionAttributeNames": names,
            }
        }
        for _ in range(_READS_TRIED):
            answer = self._dynamodb.batch_get_item(RequestItems=wanted)
            found |= {_pk(item): item for item in answer["Responses"].get(self._table, [])}
            wanted = answer.get("UnprocessedKeys")
            if not wanted:
                return found
        raise TimeoutError(f"DynamoDB left keys of {self._table} unread {_READS_TRIED} times")

    def _item(self, outcome: Outcome) -> Item:
        item: Item = _outcome_key(outcome.recording) | {
            "status": {"S": outcome.status},
            "revision": {"N": str(outcome.revision)},
            "source": {"S": outcome.source},
            "fetch_started_at": {"S": iso(outcome.fetch_started_ms)},
            "evaluated_at": {"S": iso(outcome.evaluated_at_ms)},
            "violations": {"L": [{"M": _violation_map(violation)} for violation in outcome.violations]},
            "violations_total": {"N": str(outcome.violations_total)},
            "expires_at": {"N": str(outcome.evaluated_at_ms // 1000 + self._retention_s)},
        }
        if isinstance(outcome.recording, int):
            item["recording_id"] = {"N": str(outcome.recording)}
        if outcome.results_digest and outcome.rules_version:
            item["results_digest"] = {"S": outcome.results_digest}
            item["rules_version"] = {"S": outcome.rules_version}
        if not outcome.goals_evaluated:
            item["goals_evaluated"] = {"BOOL": False}
        if outcome.alert:
            item["alert"] = {"M": _alert_map(outcome.alert)}
        if outcome.alerted:
            item["alerted"] = {"SS": sorted(outcome.alerted)}
        if outcome.snapshot:
            room = _ITEM_BYTES - _size(item)
            if room < 0:
                raise Unusable(f"Recording {outcome.recording}: more violations than one outcome can hold.")
            item |= _results(outcome.snapshot, room)
        return item


def _under_either_name(recording: RecordingId, named: Mapping[str, int], items: Mapping[str, Item]) -> Item | None:
    """The outcome under the number that a UUID stands for; else what was stored under the UUID before anybody knew."""
    outcome = items.get(_pk(_outcome_key(recording)))
    if isinstance(recording, str) and recording in named:
        return items.get(_pk(_outcome_key(named[recording]))) or outcome
    return outcome


def _results(snapshot: Snapshot, room: int) -> Item:
    """The results as one text, compressed where they are long, left out where even that does not fit the item."""
    if len(snapshot.json) <= min(_PLAIN_RESULTS_BYTES, room):
        return {"results": {"S": snapshot.json.decode()}}
    compressed = gzip.compress(snapshot.json, compresslevel=6, mtime=0)
    if len(compressed) <= room:
        return {"results_gzip": {"B": compressed}}
    return {"results_omitted_bytes": {"N": str(len(snapshot.json))}}


def _size(value: Any) -> int:
    """At least what DynamoDB counts for an item: names and values in UTF-8, a little for each container."""
    match value:
        case str():
            return len(value) if value.isascii() else len(value.encode())
        case bytes() | bytearray():
            return len(value)
        case Mapping():
            return sum(len(name) + 1 + _size(part) for name, part in value.items())
        case Sequence():
            return sum(1 + _size(part) for part in value)
        case _:
            return 1


def _outcome(item: Item) -> Outcome:
    return Outcome(
        recording=int(item["recording_id"]["N"]) if "recording_id" in item else item["pk"]["S"].partition("#")[2],
        status=Status(item["status"]["S"]),
        revision=int(item["revision"]["N"]),
        source=Source(item["source"]["S"]),
        fetch_started_ms=_epoch_ms(item["fetch_started_at"]["S"]),
        evaluated_at_ms=_epoch_ms(item["evaluated_at"]["S"]),
        violations=tuple(
            KeptViolation(
                kept["M"]["rule_id"]["S"],
                kept["M"]["subject"]["S"],
                Severity(kept["M"]["severity"]["S"]),
                kept["M"]["summary"]["S"],
            )
            for kept in item["violations"]["L"]
        ),
        violations_total=int(item["violations_total"]["N"]),
        results_digest=item["results_digest"]["S"] if "results_digest" in item else None,
        rules_version=item["rules_version"]["S"] if "rules_version" in item else None,
        goals_evaluated=item["goals_evaluated"]["BOOL"] if "goals_evaluated" in item else True,
        alert=_alert(item["alert"]["M"]) if "alert" in item else None,
        alerted=frozenset(item["alerted"]["SS"]) if "alerted" in item else frozenset(),
    )


def _violation_map(violation: KeptViolation) -> Item:
    return {
        "rule_id": {"S": violation.rule_id},
        "subject": {"S": violation.subject},
        "severity": {"S": violation.severity},
        "summary": {"S": violation.summary},
    }


def _alert_map(alert: OutboxAlert) -> Item:
    stored: Item = {
        "alert_id": {"S": alert.alert_id},
        "state": {"S": "pending" if alert.pending else "published"},
        "lease_until": {"S": iso(alert.lease_until_ms)},
    }
    if alert.message:
        stored["message"] = {"S": alert.message.model_dump_json()}
    if alert.published_at_ms is not None:
        stored["published_at"] = {"S": iso(alert.published_at_ms)}
    return stored


def _alert(stored: Item) -> OutboxAlert:
    return OutboxAlert(
        alert_id=stored["alert_id"]["S"],
        lease_until_ms=_epoch_ms(stored["lease_until"]["S"]),
        message=Alert.model_validate_json(stored["message"]["S"]) if "message" in stored else None,
        published_at_ms=_epoch_ms(stored["published_at"]["S"]) if "published_at" in stored else None,
    )


def _outcome_key(recording: RecordingId) -> Item:
    return {"pk": {"S": f"RECORDING#{recording}"}, "sk": {"S": "OUTCOME"}}


def _alias_key(uuid: str) -> Item:
    return {"pk": {"S": f"ALIAS#{uuid}"}, "sk": {"S": "ALIAS"}}


def _pk(item: Item) -> str:
    return str(item["pk"]["S"])


def _at_revision(revision: int) -> dict[str, Any]:
    return {
        "ConditionExpression": "revision = :standing",
        "ExpressionAttributeValues": {":standing": {"N": str(revision)}},
    }


def _epoch_ms(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)
