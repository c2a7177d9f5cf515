"""The outcome table on DynamoDB: the contract, and the items as the design has them."""

import pytest

from adapters.batching import Crew
from adapters.outcome_table import DynamoOutcomeTable
from tests.fakes.clock import FakeClock
from tests.fakes.contracts import OutcomeTableContract
from tests.integration.conftest import TABLE, Aws


@pytest.fixture
def table(aws: Aws, clock: FakeClock) -> DynamoOutcomeTable:
    return DynamoOutcomeTable(aws.dynamodb, TABLE, retention_days=365, now_ms=clock, crew=Crew(1))


class TestDynamoOutcomeTable(OutcomeTableContract):
    pass
