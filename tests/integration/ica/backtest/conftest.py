"""A stack with past calls, as evaluation and older releases leave them in its table."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from adapters.batching import BatchThreads
from adapters.dynamodb.outcome_table import DynamoOutcomeTable
from domain.evaluation.outcome import Outcome, Status
from domain.rules.violation import fingerprint
from domain.triggers.source import Source
from tests.fakes.clock import NOON_MS
from tests.fakes.ica import Done, ica
from tests.fakes.make import pause, snapshot
from tests.integration.aws import REGION, TABLE, Aws
from tests.integration.ica.conftest import Write
from tests.integration.workers import PATIENCE_S

PERIOD = ("--from", "2026-11-20", "--to", "2026-11-24")
DAY_MS = 86_400_000
MACHINE = f"arn:aws:states:{REGION}:123456789012:stateMachine:backtest"
STACK = json.dumps(
    {
        "Parameters": {"MaxPauseMs": {"Type": "Number", "Default": 5000}},
        "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}},
        "Outputs": {
            "OutcomeTableName": {"Value": TABLE},
            "EventQueueUrl": {"Value": "https://sqs/events"},
            "BacktestStateMachineArn": {"Value": MACHINE},
        },
    }
)
Save = Callable[..., Outcome]


@pytest.fixture
def stack(aws: Aws) -> Aws:
    aws.session().client("cloudformation").create_stack(StackName="past", TemplateBody=STACK)
    return aws


@pytest.fixture
def save(stack: Aws) -> Save:
    """Save an outcome with these goals, pauses and keywords, judged at noon of 2026-11-23 unless told otherwise."""
    table = DynamoOutcomeTable(stack.dynamodb, TABLE, 365, lambda: NOON_MS, BatchThreads(1, PATIENCE_S))

    def save(recording: int, *found: dict[str, Any], days_ago: int = 0, **fields: Any) -> Outcome:
        keywords = [each for each in found if "keyword_id" in each]
        more = {"keywords": keywords} if keywords else {}
        at_ms = NOON_MS - days_ago * DAY_MS
        outcome = Outcome(recording, Status.CLEAR, 1, Source.QUEUE, at_ms, at_ms, rules_version="r", results_digest="d")
        table.save(replace(outcome, snapshot=snapshot(*found, recording=recording, **more), **fields))
        return outcome

    return save


@pytest.fixture
def run(stack: Aws, write: Write) -> Callable[..., Done]:
    """Backtest these rules. Whatever comes of it, the account is as it was."""

    def run(*arguments: Any, rules: Any, period: tuple[str, ...] = PERIOD) -> Done:
        file = rules if isinstance(rules, Path) else write("new.json", {"version": 1, "rules": rules})
        before = stack.items()
        done = ica("rules", "backtest", file, "--stack", "past", "--region", REGION, *period, *arguments)
        assert stack.items() == before
        return done

    return run


Run = Callable[..., Done]


def change(stack: Aws, recording: int, changes: str, **values: Any) -> None:
    """Write into an outcome's item, as another release or a person may have."""
    asked: dict[str, Any] = {
        "TableName": TABLE,
        "Key": {"pk": {"S": f"RECORDING#{recording}"}, "sk": {"S": "OUTCOME"}},
        "UpdateExpression": changes,
    }
    if values:
        asked["ExpressionAttributeValues"] = {f":{name}": value for name, value in values.items()}
    stack.dynamodb.update_item(**asked)


@pytest.fixture
def answered(stack: Aws, save: Save) -> None:
    """Two false alarms and a confirmed one, answered later than the period."""
    for recording, verdict in ((1, "false_alarm"), (2, "false_alarm"), (3, "confirmed")):
        save(recording, pause(6_000 + recording, start_ms=0))
        answer = {"rule_id": {"S": "long-pause"}, "verdict": {"S": verdict}, "by": {"S": "U1"}}
        mark = fingerprint("long-pause", f"pause:0-{6_000 + recording}")
        item: dict[str, Any] = {
            "pk": {"S": f"RECORDING#{recording}"},
            "sk": {"S": "VERDICT#a"},
            "verdicts": {"M": {mark: {"M": answer}}},
        }
        day = {
            "index_day": {"S": "VERDICT#2026-11-25"},
            "index_time": {"S": f"2026-11-25T08:00:00.000Z#{recording}"},
        }
        stack.dynamodb.put_item(TableName=TABLE, Item=item | day)
