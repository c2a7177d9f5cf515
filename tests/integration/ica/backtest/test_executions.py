"""When `ica` starts the state machine, joins a run, or refuses. The executions are a stand-in, the segments real."""

import json
import time
from collections.abc import Callable
from contextlib import closing
from typing import Any, cast
from unittest.mock import Mock

import boto3
import pytest

from adapters.dynamodb import past_calls
from adapters.dynamodb.backtest_table import BacktestTable, StoredBacktest
from adapters.dynamodb.keys import Key
from adapters.dynamodb.outcomes_by_day import Found
from cli.errors import CommandError
from cli.rules import backtest_distributed
from cli.rules.backtest_distributed import DistributedBacktests
from cli.stack import Stack
from domain.backtest.period import Period
from domain.backtest.stored import NotJudged
from handlers.judge_past_calls import BacktestWorker
from tests.fakes.clock import NOON_MS, FakeClock
from tests.fakes.make import rules
from tests.integration.aws import REGION, TABLE, Aws
from tests.integration.ica.backtest.conftest import MACHINE
from tests.integration.workers import backtest_worker

ID = "20261125-120000-abcdef"
SPAN = Period(NOON_MS - 4 * 3_600_000, NOON_MS)
EXECUTIONS = MACHINE.replace("stateMachine", "execution")


class AlreadyExists(Exception):
    pass


class States:
    """Executions by name. One that runs ends when it is asked for the second time, as `ends` says."""

    class exceptions:  # noqa: N801 - as boto3 has it
        ExecutionAlreadyExists = AlreadyExists

    def __init__(self, judge: Callable[[int], object]) -> None:
        self.judge = judge
        self.status: dict[str, str] = {}
        self.ends = "SUCCEEDED"
        self.fails: set[int] = set()
        self.starts: list[tuple[str, list[int]]] = []
        self.taken: set[str] = set()

    def list_executions(self, **_: Any) -> dict[str, Any]:
        running = [name for name, status in self.status.items() if status == "RUNNING"]
        return {"executions": [{"name": name, "executionArn": f"{EXECUTIONS}:{name}"} for name in running]}

    def start_execution(self, *, stateMachineArn: str, name: str, input: str) -> dict[str, Any]:  # noqa: A002, N803
        assert stateMachineArn == MACHINE
        if name in self.taken:
            self.status[name] = "RUNNING"
            raise AlreadyExists
        given = json.loads(input)
        assert given["backtest"] == ID
        self.starts.append((name, given["segments"]))
        self.status[name] = "RUNNING"
        for number in given["segments"]:
            if number not in self.fails:
                self.judge(number)
        return {"executionArn": f"{EXECUTIONS}:{name}"}

    def describe_execution(self, *, executionArn: str) -> dict[str, Any]:  # noqa: N803
        name = executionArn.removeprefix(f"{EXECUTIONS}:")
        if name not in self.status:
            raise boto3.client("stepfunctions", REGION).exceptions.ExecutionDoesNotExist(
                {"Error": {"Code": "ExecutionDoesNotExist"}}, "DescribeExecution"
            )
        status, self.status[name] = self.status[name], self.ends
        return {"status": status}

    def list_map_runs(self, **_: Any) -> dict[str, Any]:
        return {"mapRuns": []}


class World:
    def __init__(self, aws: Aws, clock: FakeClock) -> None:
        self.aws = aws
        self.table = BacktestTable(aws.dynamodb, TABLE, clock)
        self.worker: BacktestWorker = backtest_worker(aws, clock)
        self.states = States(self.judge)
        self.table.create(ID, StoredBacktest(rules(), rules(), SPAN, SPAN.segments, answered=False))

    def judge(self, segment: int) -> None:
        self.worker.handle({"backtest": ID, "segment": segment})

    def client(self, name: str, **_: Any) -> Any:
        return self.states if name == "stepfunctions" else self.aws.dynamodb

    region_name = REGION

    def backtests(self) -> DistributedBacktests:
        stack = Stack("past", "", {}, {"BacktestStateMachineArn": MACHINE, "OutcomeTableName": TABLE})
        return DistributedBacktests(cast("boto3.Session", self), stack)

    def finish(self) -> None:
        report = self.backtests().finish(ID, 0)
        assert report.period == SPAN
        assert self.table.segments(ID).keys() == {0, 1, 2, 3}


@pytest.fixture
def world(aws: Aws, clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(backtest_distributed, "_POLL_S", 0)
    monkeypatch.setattr(backtest_distributed, "_APPEARS_WITHIN_S", 0)
    return World(aws, clock)


def test_a_new_backtest_is_started_once_and_remembered(world: World) -> None:
    world.finish()
    assert world.states.starts == [(f"{ID}-1", [0, 1, 2, 3])]
    assert world.table.read(ID).execution == f"{EXECUTIONS}:{ID}-1"


def test_what_is_judged_already_is_only_added_up(world: World) -> None:
    world.finish()
    world.finish()
    assert len(world.states.starts) == 1


@pytest.mark.parametrize("status", ["FAILED", "ABORTED", None])
def test_a_run_that_ended_is_followed_by_one_for_what_is_left(world: World, status: str | None) -> None:
    world.table.note_execution(ID, 1, f"{EXECUTIONS}:{ID}-1")
    world.states.status = {f"{ID}-1": status} if status else {}
    world.judge(2)
    world.finish()
    assert world.states.starts == [(f"{ID}-2", [0, 1, 3])]


@pytest.mark.parametrize("noted", [True, False])
def test_a_run_that_is_under_way_is_joined(world: World, noted: bool) -> None:
    """Also where the command that started it was stopped before it could note it."""
    if noted:
        world.table.note_execution(ID, 1, f"{EXECUTIONS}:{ID}-1")
    world.states.status[f"{ID}-1"] = "RUNNING"
    describe = world.states.describe_execution

    def judged_meanwhile(**asked: Any) -> dict[str, Any]:
        for number in range(4):
            world.judge(number)
        return describe(**asked)

    world.states.describe_execution = judged_meanwhile  # type: ignore[method-assign]
    world.finish()
    assert world.states.starts == []


def test_of_two_commands_that_start_at_once_one_joins_the_other(world: World) -> None:
    world.states.taken.add(f"{ID}-1")
    for number in range(4):
        world.judge(number)
    world.aws.dynamodb.delete_item(TableName=TABLE, Key={"pk": {"S": f"BACKTEST#{ID}"}, "sk": {"S": "SEGMENT#00003"}})
    with pytest.raises(CommandError, match="1 of 4 segments were not judged"):
        world.finish()
    assert world.table.read(ID).execution == f"{EXECUTIONS}:{ID}-1"


def test_another_backtest_that_runs_is_not_disturbed(world: World) -> None:
    world.states.status["20261125-110000-fedcba-1"] = "RUNNING"
    with pytest.raises(CommandError, match=f"(?s)Another backtest .* --resume {ID} --stack past --region {REGION}"):
        world.finish()
    assert world.states.starts == []


def test_segments_that_were_left_out_are_counted_and_judged_the_next_time(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.states.fails = {1, 2}
    world.states.ends = "TIMED_OUT"
    with pytest.raises(CommandError, match="2 of 4 segments were not judged") as refused:
        world.finish()
    assert f"ica rules backtest --resume {ID} --stack past --region {REGION}" in str(refused.value)
    assert "The run ended as TIMED_OUT." in capsys.readouterr().err
    world.states.fails = set()
    world.finish()
    assert world.states.starts[1] == (f"{ID}-2", [1, 2])


def test_a_run_that_is_lost_is_told_of(world: World) -> None:
    world.states.describe_execution = lambda **_: world.states.__class__.describe_execution(  # type: ignore[method-assign]
        world.states, executionArn="unknown"
    )
    with pytest.raises(CommandError, match="Step Functions lost the run"):
        world.finish()


def test_a_period_ends_now_at_the_latest_and_nobody_asks_for_verdicts_that_nobody_gave(world: World) -> None:
    now_ms = round(time.time() * 1000)
    backtest = world.backtests().create(rules(), rules(), Period(now_ms - 1_000, now_ms + 3_600_000))
    stored = world.table.read(backtest)
    assert now_ms <= stored.period.to_ms <= round(time.time() * 1000)
    assert (stored.segments, stored.answered) == (1, False)


@pytest.mark.usefixtures("answered")
def test_verdicts_are_asked_for_where_some_were_given(world: World) -> None:
    assert world.table.read(world.backtests().create(rules(), rules(), SPAN)).answered


@pytest.mark.parametrize(("refusals", "arrives"), [(4, True), (5, False)])
def test_a_table_that_leaves_reads_undone_is_given_time(
    refusals: int, arrives: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []
    monkeypatch.setattr("adapters.dynamodb.past_calls.time.sleep", slept.append)
    table = Mock()
    table.find.return_value = [[Found(Key("RECORDING#1", "OUTCOME"), None)]]
    table.read.side_effect = [*[TimeoutError] * refusals, [NotJudged.ERASED]]
    with closing(past_calls.PastCalls(table, Period(0, 1))) as past:
        if arrives:
            assert list(past()) == [NotJudged.ERASED]
        else:
            with pytest.raises(TimeoutError):
                list(past())
    assert len(slept) == 4
