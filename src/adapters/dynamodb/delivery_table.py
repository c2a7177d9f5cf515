"""Deliveries, beside the outcome: which worker sends an alert to which destination, and whether it was sent."""

from typing import TYPE_CHECKING, Final

from adapters.dynamodb.keys import Indexed, Item, by_day, delivery_key
from adapters.dynamodb.table import LostWrite, conditional
from domain.alerts.alert import Alert
from domain.alerts.deliver import AlreadySent, Claim, HeldByAnother
from domain.ports import Clock
from domain.wording import iso, moment_or

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_DAY_S: Final = 86_400
_MAX_ANSWER: Final = 200


class DynamoDeliveryLedger:
    """Claims and records of one destination."""

    def __init__(
        self, dynamodb: "DynamoDBClient", table: str, destination: str, retention_days: int, now_ms: Clock
    ) -> None:
        self._dynamodb = dynamodb
        self._table = table
        self._destination = destination
        self._retention_s = retention_days * _DAY_S
        self._now_ms = now_ms

    def claim(self, alert: Alert, lease_until_ms: int) -> Claim | AlreadySent | HeldByAnother:
        now_ms = self._now_ms()
        try:
            with conditional():
                before = self._dynamodb.update_item(
                    TableName=self._table,
                    Key=self._key(alert),
                    UpdateExpression="SET #state = :claimed, lease_until_ms = :until, expires_at = :expires, "
                    "index_day = :index_day, index_time = :index_time",
                    ConditionExpression="attribute_not_exists(pk) OR (#state <> :sent AND lease_until_ms <= :now)",
                    ExpressionAttributeNames={"#state": "state"},
                    ExpressionAttributeValues={
                        ":claimed": {"S": "claimed"},
                        ":sent": {"S": "sent"},
                        ":until": {"N": str(lease_until_ms)},
                        ":now": {"N": str(now_ms)},
                        ":expires": {"N": str(now_ms // 1000 + self._retention_s)},
                    }
                    | {f":{name}": value for name, value in self._by_day(alert, now_ms).items()},
                    ReturnValues="ALL_OLD",
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
        except LostWrite as lost:
            if lost.stored["state"]["S"] == "sent":
                return AlreadySent()
            return HeldByAnother(int(lost.stored["lease_until_ms"]["N"]))
        return Claim(lease_until_ms, repeats_unknown=_perhaps_sent(before.get("Attributes", {})))

    def record_sent(self, alert: Alert, answer: str) -> None:
        # Unconditional: the message was sent, even if another worker holds the claim by now.
        self._dynamodb.update_item(
            TableName=self._table,
            Key=self._key(alert),
            UpdateExpression="SET #state = :sent, answer = :answer, sent_at = :at",
            ExpressionAttributeNames={"#state": "state"},
            ExpressionAttributeValues={
                ":sent": {"S": "sent"},
                ":answer": {"S": answer[:_MAX_ANSWER]},
                ":at": {"S": iso(self._now_ms())},
            },
        )

    def release(self, alert: Alert, claim: Claim, until_ms: int = 0) -> None:
        try:
            with conditional():
                self._dynamodb.update_item(
                    TableName=self._table,
                    Key=self._key(alert),
                    UpdateExpression="SET #state = :waiting, lease_until_ms = :until, perhaps_sent = :perhaps",
                    ConditionExpression="lease_until_ms = :mine",
                    ExpressionAttributeNames={"#state": "state"},
                    ExpressionAttributeValues={
                        ":waiting": {"S": "waiting"},
                        ":until": {"N": str(until_ms)},
                        ":perhaps": {"BOOL": claim.repeats_unknown},
                        ":mine": {"N": str(claim.lease_until_ms)},
                    },
                )
        except LostWrite:
            return  # The lease ran out and another worker holds the claim: there is nothing to release.

    def _by_day(self, alert: Alert, now_ms: int) -> Item:
        """The day of the judgement, so that an outcome and its deliveries are found together."""
        return by_day(Indexed.DELIVERY, moment_or(alert.evaluated_at, now_ms), alert.recording_id)

    def _key(self, alert: Alert) -> Item:
        return delivery_key(alert.recording_id, alert.alert_id, self._destination).attributes


def _perhaps_sent(item: Item) -> bool:
    """Whether an earlier send may have arrived: its worker died under the claim, or released it saying so."""
    if not item:
        return False
    return bool(item["state"]["S"] == "claimed" or item.get("perhaps_sent", {}).get("BOOL"))
