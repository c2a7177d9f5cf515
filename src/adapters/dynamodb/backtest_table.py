"""Distributed backtests: what each judges, and what its segments found. They expire after a week."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pydantic import TypeAdapter

from adapters.dynamodb.keys import SEGMENT, Item, backtest_key, segment_key
from adapters.dynamodb.table import UNREADABLE
from domain.backtest.backtest import Judged
from domain.backtest.period import Period
from domain.errors import RulesInvalid
from domain.ports import Clock
from domain.rules.document import RuleSet, parse_rules

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

KEPT_DAYS: Final = 7

_OTHER_RELEASE: Final = "Another release wrote backtest {}. Start a new one."

_judged = TypeAdapter(Judged)


class BacktestUnusable(Exception):
    """No backtest of this id is in the table, or another release wrote it."""


@dataclass(frozen=True, slots=True)
class StoredBacktest:
    """`answered`: whether supervisors gave verdicts since the period began. `execution` is the ARN of the state
    machine's execution that was started last, `starts` how many were.
    """

    now: RuleSet
    before: RuleSet
    period: Period
    segments: int
    answered: bool
    starts: int = 0
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
                "segments": {"N": str(stored.segments)},
                "answered": {"BOOL": stored.answered},
            }
        )

    def note_execution(self, backtest: str, starts: int, arn: str) -> None:
        """The backtest is kept for a week from then on."""
        self._dynamodb.update_item(
            TableName=self._table,
            Key=backtest_key(backtest).attributes,
            UpdateExpression="SET execution = :arn, starts = :starts, expires_at = :expires",
            ConditionExpression="attribute_exists(pk)",
            ExpressionAttributeValues={
                ":arn": {"S": arn},
                ":starts": {"N": str(starts)},
                ":expires": {"N": str(self._expires_at())},
            },
        )

    def read(self, backtest: str) -> StoredBacktest:
        """Raises `BacktestUnusable`."""
        answer = self._dynamodb.get_item(
            TableName=self._table, Key=backtest_key(backtest).attributes, ConsistentRead=True
        )
        item = answer.get("Item")
        if not item:
            raise BacktestUnusable(f"There is no backtest {backtest}. Backtests are kept for {KEPT_DAYS} days.")
        try:
            return StoredBacktest(
                parse_rules(item["now"]["S"]),
                parse_rules(item["before"]["S"]),
                Period(int(item["from_ms"]["N"]), int(item["to_ms"]["N"])),
                int(item["segments"]["N"]),
                item["answered"]["BOOL"],
                int(item.get("starts", {"N": "0"})["N"]),
                item["execution"]["S"] if "execution" in item else None,
            )
        except (*UNREADABLE, RulesInvalid) as error:
            raise BacktestUnusable(_OTHER_RELEASE.format(backtest)) from error

    def put_segment(self, backtest: str, number: int, judged: Judged) -> None:
        """Judged twice, a segment is stored once."""
        self._put(segment_key(backtest, number).attributes | {"judged": {"S": _judged.dump_json(judged).decode()}})

    def segments(self, backtest: str) -> dict[int, Judged]:
        """Those that are judged, by number. Raises `BacktestUnusable`."""
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=self._table,
            ConsistentRead=True,
            KeyConditionExpression="pk = :pk AND begins_with(sk, :segment)",
            ExpressionAttributeValues={":pk": {"S": backtest_key(backtest).pk}, ":segment": {"S": SEGMENT}},
        )
        items = (item for page in pages for item in page["Items"])
        try:
            return {
                int(item["sk"]["S"].removeprefix(SEGMENT)): _judged.validate_json(item["judged"]["S"]) for item in items
            }
        except UNREADABLE as error:  # pydantic's error is a `ValueError`
            raise BacktestUnusable(_OTHER_RELEASE.format(backtest)) from error

    def _put(self, item: Item) -> None:
        self._dynamodb.put_item(TableName=self._table, Item=item | {"expires_at": {"N": str(self._expires_at())}})

    def _expires_at(self) -> int:
        return self._now_ms() // 1000 + KEPT_DAYS * 86_400
