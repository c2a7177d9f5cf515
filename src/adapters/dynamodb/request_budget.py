"""The request budget in DynamoDB, one item: one conditional write grants slots to a whole batch."""

import threading
import time
from array import array
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from adapters.batching import BatchThreads, GatheredCall
from adapters.dynamodb.keys import BUDGET_KEY, Item
from adapters.dynamodb.table import LostWrite, at_revision, conditional
from domain.errors import BudgetSpent, Contended
from domain.ports import Clock, Meter
from domain.request_budget import SLOT_LAPSES_MS, Denied, Schedule, Slot, grant, spare

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_WRITES_TRIED: Final = 25
_HOLD_READ_ANEW_MS: Final = 250


class SharedRequestBudget:
    """`limit` requests in any 60 seconds, for all workers of the stack together."""

    def __init__(
        self,
        dynamodb: "DynamoDBClient",
        table: str,
        limit: int,
        meter: Meter,
        now_ms: Clock,
        threads: BatchThreads,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._dynamodb = dynamodb
        self._table = table
        self._limit = limit
        self._meter = meter
        self._now_ms = now_ms
        self._sleep = sleep
        self._grant_together = GatheredCall(self._grant, threads)
        self._reading = threading.Lock()
        self._known = Schedule()
        self._known_at_ms = 0
        self._told_to_hold_until_ms = 0

    def take(self, latest_ms: int) -> None:
        """Sleep until a granted slot; see the port. A slot that lapsed, or fell into a hold, is given up."""
        asked_ms = self._now_ms()
        while True:
            match self._grant_together(latest_ms):
                case Denied(retry_at_ms):
                    raise BudgetSpent("No request may be sent before this worker's deadline.", retry_at_ms)
                case Slot(at_ms):
                    if self._reached(at_ms):
                        self._meter.add("ApiBudgetWaitMs", self._now_ms() - asked_ms)
                        return

    def take_spare(self) -> None:
        """Take a slot that is free now and that no waiting request needs; see the port."""
        schedule = self._read()
        for _ in range(_WRITES_TRIED):
            asked_ms = self._now_ms()
            taken = spare(schedule.held(self._told_to_hold_until_ms), asked_ms, self._limit)
            if taken is None:
                break
            try:
                self._write(taken)
            except LostWrite as lost:
                schedule = _schedule(lost.stored)
                continue
            self._learn(taken)
            if self._now_ms() <= asked_ms + SLOT_LAPSES_MS:
                return
            break  # The write took so long that the slot lapsed.
        raise BudgetSpent("Evaluation needs all requests now.")

    def hold(self, until_ms: int) -> None:
        """See the port. If the write fails, this worker keeps to the hold, and its next write stores it."""
        self._told_to_hold_until_ms = max(self._told_to_hold_until_ms, until_ms)
        self._grant([])  # Every write stores the hold. This one grants nothing.

    def _reached(self, at_ms: int) -> bool:
        """Sleep until the slot. Return whether it may still be used."""
        wait_ms = at_ms - self._now_ms()
        if wait_ms > 0:
            self._sleep(wait_ms / 1000)
            if self._held_until_ms() > self._now_ms():
                return False
        return self._now_ms() <= at_ms + SLOT_LAPSES_MS

    def _held_until_ms(self) -> int:
        """Another worker may set a hold while a thread sleeps. Threads that wake together read it once."""
        with self._reading:
            if self._now_ms() - self._known_at_ms > _HOLD_READ_ANEW_MS:
                self._learn(self._read())
            return max(self._known.held_until_ms, self._told_to_hold_until_ms)

    def _read(self) -> Schedule:
        found = self._dynamodb.get_item(TableName=self._table, Key=BUDGET_KEY.attributes, ConsistentRead=True)
        return _schedule(found.get("Item", {}))

    def _grant(self, latest_ms: Sequence[int]) -> list[Slot | Denied]:
        """Grant slots in the last known schedule. If another worker wrote first, grant them in its schedule."""
        schedule = self._known
        for _ in range(_WRITES_TRIED):
            held = schedule.held(self._told_to_hold_until_ms)
            granted, answers = grant(held, latest_ms, self._now_ms(), self._limit)
            try:
                self._write(granted)
            except LostWrite as lost:
                schedule = _schedule(lost.stored)
            else:
                self._learn(granted)
                return answers
        raise Contended("Other workers kept writing the request budget first.")

    def _write(self, schedule: Schedule) -> None:
        with conditional():
            self._dynamodb.put_item(
                TableName=self._table,
                Item=_item(schedule),
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
                **at_revision(schedule.revision - 1),
            )

    def _learn(self, schedule: Schedule) -> None:
        self._known, self._known_at_ms = schedule, self._now_ms()


def _item(schedule: Schedule) -> Item:
    return BUDGET_KEY.attributes | {
        "slots": {"B": array("q", schedule.slots).tobytes()},
        "line_ms": {"N": str(schedule.line_ms)},
        "held_until_ms": {"N": str(schedule.held_until_ms)},
        "revision": {"N": str(schedule.revision)},
    }


def _schedule(item: Item) -> Schedule:
    if not item:
        return Schedule()
    slots = array("q")
    slots.frombytes(item["slots"]["B"])
    return Schedule(
        slots=tuple(slots),
        line_ms=int(item["line_ms"]["N"]),
        held_until_ms=int(item["held_until_ms"]["N"]),
        revision=int(item["revision"]["N"]),
    )
