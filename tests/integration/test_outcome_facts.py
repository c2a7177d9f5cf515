"""What an outcome's item keeps beside its violations, as the contract with every reader has it."""

from dataclasses import replace

from adapters.batching import BatchThreads
from adapters.dynamodb.outcome_table import DynamoOutcomeTable
from domain.evaluation.outcome import Shadow
from tests.fakes.clock import FakeClock
from tests.fakes.contracts import CLEAR
from tests.fakes.make import details
from tests.integration.aws import TABLE, Aws
from tests.integration.workers import PATIENCE_S


def test_details_shadow_findings_and_unjudged_rules_are_kept_beside(aws: Aws, clock: FakeClock) -> None:
    table = DynamoOutcomeTable(aws.dynamodb, TABLE, 365, clock, BatchThreads(10, PATIENCE_S))
    shadow = Shadow((("s", "goal:3"),), 1, ("t",))
    table.save(replace(CLEAR, details=details(language="de").kept(), unjudged=("k",), shadow=shadow))
    item = aws.item("RECORDING#123")
    assert item["recording"] == {
        "M": {
            "name": {"S": "Support call 42"},
            "created_at": {"S": "2026-11-22T09:15:00Z"},
            "language": {"S": "de"},
            "duration_ms": {"N": "245000"},
        }
    }
    assert item["shadow"] == {"L": [{"M": {"rule_id": {"S": "s"}, "subject": {"S": "goal:3"}}}]}
    assert (item["shadow_total"], item["shadow_unjudged"]) == ({"N": "1"}, {"L": [{"S": "t"}]})
    assert item["unjudged"] == {"L": [{"S": "k"}]}
