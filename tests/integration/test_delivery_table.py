"""The delivery ledger on DynamoDB: the contract, and the items as the design has them."""

import pytest

from adapters.delivery_table import DynamoDeliveryLedger
from tests.fakes.clock import FakeClock
from tests.fakes.contracts import DeliveryLedgerContract
from tests.integration.conftest import TABLE, Aws


@pytest.fixture
def ledger(aws: Aws, clock: FakeClock) -> DynamoDeliveryLedger:
    return DynamoDeliveryLedger(aws.dynamodb, TABLE, "slack", retention_days=365, now_ms=clock)


class TestDynamoDeliveryLedger(DeliveryLedgerContract):
    pass
