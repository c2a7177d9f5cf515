"""Distributed backtests: what each judges, and what its segments found. They expire after a week."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pydantic import TypeAdapter

from adapters.dynamodb.keys import SEGMENT, Item, backtest_key, segment_key
from domain.backtest.backtest import Judged
from domain.backtest.period import Period
from domain.ports import Clock
from domain.rules.document import RuleSet, parse_rules

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

KEPT_DAYS: Final = 7

_judged = TypeAdapter(Judged)


class BacktestUnknown(LookupError):
    """No backtest of this id is in the table, or it has expired."""


@dataclass(frozen=True, slots=True)
class StoredBacktest:
    """`execution` is the ARN of the state machine's execution that was started last."""

    now: RuleSet
    before: RuleSet
    period: Period
    execution: str | None = None


class BacktestTable:
    """All raise botocore's errors."""

    def __init__(self, dynamodb: "DynamoDBClient", table: str, now_ms: Clock) -> None:
        self._dynamodb = dynamodb
        self._table = table
        self._now_ms = now_ms

    def create(self, backtest: str, stored: StoredBacktest) -> None:
        self._put(
            backtest_key(backtest).attributes
            | {
                "now": {"S": stored.now.written().decode()},
                "before": {"S": stored.before.written().decode()},
                "from_ms": {"N": str(stored.period.from_ms)},
                "to_ms": {"N": str(stored.period.to_ms)},
            }
        )

    def note_execution(self, backtest: str, arn: str) -> None:
        self._dynamodb.update_item(
            TableName=self._table,
            Key=backtest_key(backtest).attributes,
            UpdateExpression="SET execution = :arn",
            ConditionExpression="attribute_exists(pk)",
            ExpressionAttributeValues={":arn": {"S": arn}},
        )

    def read(self, backtest: str) -> StoredBacktest:
        """Raises `BacktestUnknown`, and `RulesInvalid` where another release stored rules unknown to this one."""
        answer = self._dynamodb.get_item(
            TableName=self._table, Key=backtest_key(backtest).attributes, ConsistentRead=True
        )
        item = answer.get("Item")
        if not item:
            raise BacktestUnknown(f"There is no backtest {backtest}. Backtests are kept for {KEPT_DAYS} days.")
        return StoredBacktest(
            parse_rules(item["now"]["S"]),
            parse_rules(item["before"]["S"]),
            Period(int(item["from_ms"]["N"]), int(item["to_ms"]["N"])),
            item["execution"]["S"] if "execution" in item else None,
        )

    def put_segment(self, backtest: str, number: int, judged: Judged) -> None:
        """Judged twice, a segment is stored once."""
        self._put(segment_key(backtest, number).attributes | {"judged": {"S": _judged.dump_json(judged).decode()}})

    def segments(self, backtest: str) -> dict[int, Judged]:
        """Those that are judged, by number."""
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=self._table,
            ConsistentRead=True,
            KeyConditionExpression="pk = :pk AND begins_with(sk, :segment)",
            ExpressionAttributeValues={":pk": {"S": backtest_key(backtest).pk}, ":segment": {"S": SEGMENT}},
        )
        items = (item for page in pages for item in page["Items"])
        return {
            int(item["sk"]["S"].removeprefix(SEGMENT)): _judged.validate_json(item["judged"]["S"]) for item in items
        }

    def _put(self, item: Item) -> None:
        expires_at = self._now_ms() // 1000 + KEPT_DAYS * 86_400
        self._dynamodb.put_item(TableName=self._table, Item=item | {"expires_at": {"N": str(expires_at)}})
