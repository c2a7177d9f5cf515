"""A backtest on AWS: the stack's state machine judges the period in segments, and this command adds them up.

What a backtest judges and what its segments found is in the table, so a run that was stopped goes on where it was.
"""

from __future__ import annotations

import json
import secrets
import time
from typing import Any, Final

import boto3
from botocore.exceptions import ClientError

from adapters.dynamodb.backtest_table import BacktestTable, BacktestUnusable, StoredBacktest
from adapters.dynamodb.outcomes_by_day import OutcomesByDay, days
from cli.console import progress_bar, say
from cli.errors import CommandError, Exit
from cli.rules.backtest_report import Report
from cli.stack import AWS, Stack
from domain.backtest.backtest import Backtest
from domain.backtest.period import Period
from domain.rules.document import RuleSet
from domain.wording import iso

MACHINE: Final = "BacktestStateMachineArn"
_POLL_S: Final = 2.0
_APPEARS_WITHIN_S: Final = 20.0
"""Step Functions may not know an execution yet that it has just started."""


class DistributedBacktests:
    """Those of one stack. All raise `CommandError` and botocore's errors."""

    def __init__(self, session: boto3.Session, stack: Stack) -> None:
        if MACHINE not in stack.outputs:
            raise CommandError(
                f"{stack.name} has no state machine for backtests: it is an older deployment. Deploy this release "
                "first, or leave --distributed out.",
                Exit.UNREACHABLE,
            )
        self._machine_arn = stack.outputs[MACHINE]
        self._where = f"--stack {stack.name} --region {session.region_name}"
        self._machine = session.client("stepfunctions", config=AWS)
        dynamodb, table = session.client("dynamodb", config=AWS), stack.outputs["OutcomeTableName"]
        self._table = BacktestTable(dynamodb, table, _now_ms)
        self._outcomes = OutcomesByDay(dynamodb, table)

    def create(self, now: RuleSet, before: RuleSet, asked: Period) -> str:
        """Store what is to be judged. Returns its id. A period ends now at the latest: later calls would be missed."""
        now_ms = _now_ms()
        period = Period(min(asked.from_ms, now_ms - 1), min(asked.to_ms, now_ms))
        backtest = f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}-{secrets.token_hex(3)}"
        answered = any(
            answers
            for day in days(period.from_at, iso(now_ms))
            for _, answers in self._outcomes.verdicts(day, period.from_at, iso(now_ms))
        )
        self._table.create(backtest, StoredBacktest(now, before, period, period.segments, answered))
        return backtest

    def finish(self, backtest: str, may_lose: int) -> Report:
        """Have every segment judged that is not yet, wait, and add them up."""
        again = f"ica rules backtest --resume {backtest} {self._where}" + (f" --may-lose {may_lose}" * bool(may_lose))
        sample = self._outcomes.sample()
        try:
            stored = self._table.read(backtest)
            left = sorted(set(range(stored.segments)) - self._table.segments(backtest).keys())
            if left:
                self._judge(backtest, stored, left, again)
            judged = self._table.segments(backtest)
        except BacktestUnusable as error:
            raise CommandError(str(error)) from None
        if missing := stored.segments - len(judged):
            raise CommandError(
                f"{missing} of {stored.segments} segments were not judged; if the function was called, its log says "
                f"why. The others are kept. To go on:\n  {again}",
                Exit.UNREACHABLE,
            )
        whole = Backtest(stored.now, stored.before)
        for each in judged.values():
            whole.merge(each)
        return Report(whole, stored.period, sample, may_lose)

    def _judge(self, backtest: str, stored: StoredBacktest, left: list[int], again: str) -> None:
        """Have these segments judged: by the execution that is under way, or by a new one."""
        execution = stored.execution
        if execution is None or self._status(execution) != "RUNNING":
            execution = self._start(backtest, stored.starts + 1, left)
        say(f"Backtest {backtest} runs on AWS, also when this command is stopped. To come back to it:\n  {again}")
        started, judged_before = time.monotonic(), stored.segments - len(left)
        with progress_bar("Judging past calls on AWS", "segments") as told:
            while (status := self._status(execution)) in {"RUNNING", None}:
                if status is None and time.monotonic() > started + _APPEARS_WITHIN_S:
                    raise CommandError(f"Step Functions lost the run. To go on:\n  {again}", Exit.UNREACHABLE)
                for run in self._machine.list_map_runs(executionArn=execution)["mapRuns"] if status else ():
                    counts = self._machine.describe_map_run(mapRunArn=run["mapRunArn"])["itemCounts"]
                    told(judged_before + counts["succeeded"], stored.segments)
                time.sleep(_POLL_S)
        if status != "SUCCEEDED":
            say(f"The run ended as {status}.")

    def _start(self, backtest: str, number: int, left: list[int]) -> str:
        """Start an execution. One that another command has started meanwhile has the same name, and is this one."""
        running = self._machine.list_executions(stateMachineArn=self._machine_arn, statusFilter="RUNNING")
        for each in running["executions"]:
            if each["name"].startswith(backtest):
                return str(each["executionArn"])
            raise CommandError(
                "Another backtest of this stack is running, and two would read too much of its table. Come back later:"
                f"\n  ica rules backtest --resume {backtest} {self._where}",
                Exit.UNREACHABLE,
            )
        name = f"{backtest}-{number}"
        given = json.dumps({"backtest": backtest, "segments": left}, separators=(",", ":"))
        try:
            execution = self._machine.start_execution(stateMachineArn=self._machine_arn, name=name, input=given)
            arn = str(execution["executionArn"])
        except self._machine.exceptions.ExecutionAlreadyExists:
            arn = f"{self._machine_arn.replace(':stateMachine:', ':execution:', 1)}:{name}"
        self._table.note_execution(backtest, number, arn)
        return arn

    def _status(self, execution: str) -> str | None:
        """`None` where Step Functions does not know it, or knows it no longer."""
        try:
            found: Any = self._machine.describe_execution(executionArn=execution)
        except ClientError as error:
            if error.response["Error"]["Code"] == "ExecutionDoesNotExist":
                return None
            raise
        return str(found["status"])


def _now_ms() -> int:
    return round(time.time() * 1000)
