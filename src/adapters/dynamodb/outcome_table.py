"""Outcomes, and the aliases that find an outcome by its recording's UUID.

An outcome is one item, because it is also the outbox of its alert. Every write names the revision that it replaces.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from adapters.batching import BatchThreads, GatheredCall
from adapters.dynamodb.judged import judged_attributes, read_details, read_rule_ids, read_shadow
from adapters.dynamodb.keys import Indexed, Item, Key, alias_key, by_day, numbers_of, outcome_key, recording_of
from adapters.dynamodb.results_text import results_text, size_of
from adapters.dynamodb.table import UNREADABLE, at_revision, batch_read, conditional
from domain.alerts.alert import Alert
from domain.errors import Refused, Unusable
from domain.evaluation.outcome import KeptViolation, OutboxAlert, Outcome, Status
from domain.ports import Clock
from domain.recording import RecordingId
from domain.rules.violation import Severity
from domain.triggers.source import Source
from domain.wording import epoch_ms, iso

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_DAY_S: Final = 86_400
_ITEM_BYTES: Final = 390_000
"""DynamoDB takes items of 400 KB; a reserve for attribute names and numbers."""
_READ_ATTRIBUTES: Final = (
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
    "recording",
    "unjudged",
    "shadow",
    "shadow_total",
    "shadow_unjudged",
)
"""All attributes but the results, which evaluation never reads."""


class DynamoOutcomeTable:
    """Implements the port. Reads of several threads become one `BatchGetItem`; see `GatheredCall`."""

    def __init__(
        self, dynamodb: "DynamoDBClient", table: str, retention_days: int, now_ms: Clock, threads: BatchThreads
    ) -> None:
        self._dynamodb = dynamodb
        self._table = table
        self._retention_s = retention_days * _DAY_S
        self._now_ms = now_ms
        self._read_together = GatheredCall(self._read_all, threads)

    def read(self, recording: RecordingId) -> Outcome | None:
        """See the port. Parsed for each caller: one item that cannot be read must not fail the whole batch."""
        item = self._read_together(recording)
        try:
            return _outcome(item) if item else None
        except UNREADABLE as error:
            raise Refused(
                "outcome_unreadable",
                f"Recording {recording}: its stored outcome cannot be read ({type(error).__name__}).",
            ) from error

    def save(self, outcome: Outcome) -> None:
        item = self._item(outcome)
        with conditional():
            self._dynamodb.put_item(TableName=self._table, Item=item, **at_revision(outcome.revision - 1))

    def advance(self, outcome: Outcome) -> None:
        values: Item = {
            ":fetched": {"S": iso(outcome.fetch_started_ms)},
            ":next": {"N": str(outcome.revision)},
        }
        changes = "SET fetch_started_at = :fetched, revision = :next"
        if outcome.results_digest:
            changes += ", results_digest = :digest"
            values[":digest"] = {"S": outcome.results_digest}
        if outcome.alert:
            changes += ", alert = :alert"
            values[":alert"] = {"M": _alert_map(outcome.alert)}
        condition = at_revision(outcome.revision - 1)
        condition["ExpressionAttributeValues"] |= values
        key = outcome_key(outcome.recording).attributes
        with conditional():
            self._dynamodb.update_item(TableName=self._table, Key=key, UpdateExpression=changes, **condition)

    def mark_published(self, outcome: Outcome, at_ms: int) -> Outcome:
        published = outcome.published_alert(at_ms)
        with conditional():
            written = self._dynamodb.update_item(
                TableName=self._table,
                Key=outcome_key(outcome.recording).attributes,
                UpdateExpression="SET alert = :alert, revision = revision + :one",
                ConditionExpression="alert.alert_id = :id AND alert.#state = :pending",
                ExpressionAttributeNames={"#state": "state"},
                ExpressionAttributeValues={
                    ":alert": {"M": _alert_map(published)},
                    ":one": {"N": "1"},
                    ":id": {"S": published.alert_id},
                    ":pending": {"S": "pending"},
                },
                ReturnValues="UPDATED_NEW",
            )
        return replace(outcome, alert=published, revision=int(written["Attributes"]["revision"]["N"]))

    def remember_alias(self, uuid: str, recording: int) -> None:
        expires_at = self._now_ms() // 1000 + self._retention_s
        named = {"recording_id": {"N": str(recording)}, "expires_at": {"N": str(expires_at)}}
        self._dynamodb.put_item(TableName=self._table, Item=alias_key(uuid).attributes | named)

    def _read_all(self, recordings: Sequence[RecordingId]) -> list[Item | None]:
        """One read for all; a second one for the recordings that UUIDs turned out to be."""
        uuids = list(dict.fromkeys(recording for recording in recordings if isinstance(recording, str)))
        items = self._read([outcome_key(each) for each in recordings] + [alias_key(uuid) for uuid in uuids])
        named = numbers_of(uuids, items)
        if missing := [key for number in named.values() if (key := outcome_key(number)) not in items]:
            items |= self._read(missing)
        return [_under_either_name(recording, named, items) for recording in recordings]

    def _read(self, keys: Sequence[Key]) -> dict[Key, Item]:
        return batch_read(self._dynamodb, self._table, keys, _READ_ATTRIBUTES, consistent=True)

    def _item(self, outcome: Outcome) -> Item:
        evaluated_at = iso(outcome.evaluated_at_ms)
        item: Item = outcome_key(outcome.recording).attributes | {
            "status": {"S": outcome.status},
            "revision": {"N": str(outcome.revision)},
            "source": {"S": outcome.source},
            "fetch_started_at": {"S": iso(outcome.fetch_started_ms)},
            "evaluated_at": {"S": evaluated_at},
            "violations": {"L": [{"M": _violation_map(violation)} for violation in outcome.violations]},
            "violations_total": {"N": str(outcome.violations_total)},
            "expires_at": {"N": str(outcome.evaluated_at_ms // 1000 + self._retention_s)},
        }
        # The other writes change neither the day nor anything that the index holds, so they cost no write there.
        item |= by_day(Indexed.OUTCOME, evaluated_at, outcome.recording)
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
        item |= judged_attributes(outcome)
        if outcome.snapshot:
            room = _ITEM_BYTES - size_of(item)
            if room < 0:
                raise Unusable(f"Recording {outcome.recording}: more violations than one outcome can hold.")
            item |= results_text(outcome.snapshot, room)
        return item


def _under_either_name(
    recording: RecordingId, named: Mapping[RecordingId, int], items: Mapping[Key, Item]
) -> Item | None:
    """The outcome under the number of a UUID, or one stored under the UUID before its alias was known."""
    outcome = items.get(outcome_key(recording))
    if isinstance(recording, str) and recording in named:
        return items.get(outcome_key(named[recording])) or outcome
    return outcome


def _outcome(item: Item) -> Outcome:
    return Outcome(
        recording=int(item["recording_id"]["N"]) if "recording_id" in item else recording_of(item),
        status=Status(item["status"]["S"]),
        revision=int(item["revision"]["N"]),
        source=Source(item["source"]["S"]),
        fetch_started_ms=epoch_ms(item["fetch_started_at"]["S"]),
        evaluated_at_ms=epoch_ms(item["evaluated_at"]["S"]),
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
        details=read_details(item),
        unjudged=read_rule_ids(item, "unjudged"),
        shadow=read_shadow(item),
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
        lease_until_ms=epoch_ms(stored["lease_until"]["S"]),
        message=Alert.model_validate_json(stored["message"]["S"]) if "message" in stored else None,
        published_at_ms=epoch_ms(stored["published_at"]["S"]) if "published_at" in stored else None,
    )
