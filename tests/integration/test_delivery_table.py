"""The delivery ledger on DynamoDB: the contract, and the item as the design has it."""

import pytest

from adapters.dynamodb.delivery_table import DynamoDeliveryLedger
from domain.lease import LEASE_MS
from tests.fakes.clock import NOON_MS, FakeClock
from tests.fakes.contracts import DeliveryLedgerContract
from tests.fakes.make import alert
from tests.integration.aws import TABLE, Aws

KEY = f"DELIVERY#{alert().alert_id}#slack"
EXPIRES = str(NOON_MS // 1000 + 365 * 86_400)


@pytest.fixture
def ledger(aws: Aws, clock: FakeClock) -> DynamoDeliveryLedger:
    return DynamoDeliveryLedger(aws.dynamodb, TABLE, "slack", retention_days=365, now_ms=clock)


class TestDynamoDeliveryLedger(DeliveryLedgerContract):
    pass


def test_a_claim_is_stored_beside_the_outcome_with_its_lease(aws: Aws, ledger: DynamoDeliveryLedger) -> None:
    ledger.claim(alert(), NOON_MS + LEASE_MS)
    assert aws.item("RECORDING#123", KEY) == {
        "pk": {"S": "RECORDING#123"},
        "sk": {"S": KEY},
        "state": {"S": "claimed"},
        "lease_until_ms": {"N": str(NOON_MS + LEASE_MS)},
        "expires_at": {"N": EXPIRES},
        "index_day": {"S": "DELIVERY#2026-11-23"},
        "index_time": {"S": "2026-11-23T12:00:00.000Z#123"},
    }


def test_a_sent_alert_keeps_slacks_answer_and_the_time(
    aws: Aws, ledger: DynamoDeliveryLedger, clock: FakeClock
) -> None:
    ledger.claim(alert(), NOON_MS + LEASE_MS)
    clock.advance(1_500)
    ledger.record_sent(alert(), "ok" + "!" * 500)
    item = aws.item("RECORDING#123", KEY)
    assert item["state"] == {"S": "sent"}
    assert item["answer"] == {"S": "ok" + "!" * 198}
    assert item["sent_at"] == {"S": "2026-11-23T12:00:01.500Z"}
    assert item["expires_at"] == {"N": EXPIRES}
