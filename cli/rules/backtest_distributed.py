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

from adapters.dynamodb.backtest_table import BacktestTable, BacktestUnknown, StoredBacktest
from adapters.dynamodb.outcomes_by_day import OutcomesByDay
from cli.console import progress_bar, say
from cli.errors import CommandError, Exit
from cli.rules.backtest_here import AWS
from cli.rules.backtest_report import Report
from cli.stack import Stack
from domain.backtest.backtest import Backtest
from domain.backtest.period import Period
from domain.errors import RulesInvalid
from domain.rules.document import RuleSet

MACHINE: Final = "BacktestStateMachineArn"
_POLL_S: Final = 2.0
_GONE: Final = frozenset({"ExecutionDoesNotExist", "InvalidArn"})


class DistributedBacktests:
    """Those of one stack. All raise `CommandError` and botocore's errors."""

    def __init__(self, session: boto3.Session, stack: Stack) -> None:
        if MACHINE not in stack.outputs:
            raise CommandError(
                f"{stack.name} has no state machine for backtests: it is an older deployment. Deploy this release "
                "first, or leave --distributed out.",
                Exit.UNREACHABLE,
            )
        self._stack = stack
        self._machine = session.client("stepfunctions", config=AWS)
        dynamodb, table = session.client("dynamodb", config=AWS), stack.outputs["OutcomeTableName"]
        self._table = BacktestTable(dynamodb, table, lambda: round(time.time() * 1000))
        self._outcomes = OutcomesByDay(dynamodb, table)

    def create(self, now: RuleSet, before: RuleSet, period: Period) -> str:
        """Store what is to be judged. Returns its id."""
        backtest = f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}-{secrets.token_hex(3)}"
        self._table.create(backtest, StoredBacktest(now, before, period))
        return backtest

    def finish(self, backtest: str) -> Report:
        """Have every segment judged that is not yet, wait, and add them up."""
        try:
            stored = self._table.read(backtest)
        except (BacktestUnknown, RulesInvalid) as error:
            raise CommandError(str(error)) from None
        again = f"ica rules backtest --resume {backtest} --stack {self._stack.name}"
        say(f"Backtest {backtest} runs on AWS, also when this command is stopped. To come back to it:\n  {again}")
        execution = self._running(stored) or self._start(backtest, stored)
        end = self._wait(execution, stored.period.segments) if execution else {}
        judged = self._table.segments(backtest)
        if len(judged) < stored.period.segments:
            why = ": ".join(end[part] for part in ("status", "error", "cause") if part in end)
            raise CommandError(
                f"The run ended before all was judged ({why}). {len(judged)} of {stored.period.segments} segments are "
                f"kept; the function's log has the reason. To go on:\n  {again}",
                Exit.UNREACHABLE,
            )
        whole = Backtest(stored.now, stored.before)
        for each in judged.values():
            whole.merge(each)
        return Report(whole, stored.period, self._outcomes.sample())

    def _running(self, stored: StoredBacktest) -> str | None:
        """The execution, if one is under way."""
        if stored.execution is None:
            return None
        try:
            status = self._machine.describe_execution(executionArn=stored.execution)["status"]
        except ClientError as error:
            if error.response["Error"]["Code"] in _GONE:
                return None
            raise
        return stored.execution if status == "RUNNING" else None

    def _start(self, backtest: str, stored: StoredBacktest) -> str | None:
        """Start an execution for the segments that are left; `None` where all are judged."""
        left = sorted(set(range(stored.period.segments)) - self._table.segments(backtest).keys())
        if not left:
            return None
        given = json.dumps({"backtest": backtest, "segments": left}, separators=(",", ":"))
        started = self._machine.start_execution(stateMachineArn=self._stack.outputs[MACHINE], input=given)
        self._table.note_execution(backtest, started["executionArn"])
        return str(started["executionArn"])

    def _wait(self, execution: str, segments: int) -> dict[str, Any]:
        """What Step Functions says of the execution when it has ended."""
        with progress_bar("Judging past calls on AWS", "segments") as told:
            while True:
                state: Any = self._machine.describe_execution(executionArn=execution)
                for run in self._machine.list_map_runs(executionArn=execution)["mapRuns"]:
                    counts = self._machine.describe_map_run(mapRunArn=run["mapRunArn"])["itemCounts"]
                    told(segments - counts["total"] + counts["succeeded"], segments)
                if state["status"] != "RUNNING":
                    return dict(state)
                time.sleep(_POLL_S)
