"""`ica rules backtest --distributed`, its function and its segments. `tests/e2e` has the state machine."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from adapters.dynamodb.backtest_table import BacktestTable, BacktestUnusable, StoredBacktest
from domain.backtest.period import Period
from domain.rules.document import RuleSet, default_rules
from domain.wording import epoch_ms
from handlers.judge_past_calls import BacktestWorker
from tests.fakes.clock import NOON_MS, FakeClock
from tests.fakes.ica import Done, ica
from tests.fakes.make import goal_rule, pause, pause_rule, rules
from tests.integration.aws import REGION, TABLE, Aws
from tests.integration.ica.backtest.conftest import STACK, Run, Save
from tests.integration.workers import backtest_worker

ID = "20261125-120000-abcdef"
SPAN = Period(epoch_ms("2026-11-20T00:00:00Z"), epoch_ms("2026-11-24T00:00:00Z"))
"""`PERIOD`."""


@pytest.fixture
def table(stack: Aws, clock: FakeClock) -> BacktestTable:
    return BacktestTable(stack.dynamodb, TABLE, clock)


@pytest.fixture
def worker(stack: Aws, clock: FakeClock) -> BacktestWorker:
    return backtest_worker(stack, clock)


def judge_all(table: BacktestTable, worker: BacktestWorker, now: RuleSet) -> None:
    """As the state machine does."""
    table.create(ID, StoredBacktest(now, default_rules(5_000), SPAN, SPAN.segments, answered=True))
    for number in range(SPAN.segments):
        assert worker.handle({"backtest": ID, "segment": number}) == {}


def resume(*arguments: Any) -> Done:
    return ica("rules", "backtest", "--resume", ID, "--stack", "past", "--region", REGION, *arguments)


@pytest.mark.usefixtures("answered")
def test_the_segments_add_up_to_what_one_run_counts(
    save: Save, table: BacktestTable, worker: BacktestWorker, run: Run
) -> None:
    save(4, pause(4_000), days_ago=2)
    strict = [pause_rule(6_002, id="long-pause"), goal_rule(id="typo", goal_names=["Gretting"])]
    judge_all(table, worker, rules(*strict))
    here, distributed = run("-o", "json", rules=strict), resume("-o", "json")
    assert distributed.json == here.json
    assert (distributed.json["outcomes"], distributed.json["false_alarms_removed"]) == (4, 2)
    assert distributed.json["never_seen"] == {"typo": {"goals": ["Gretting"], "keywords": []}}


@pytest.mark.usefixtures("answered")
def test_a_lost_confirmed_violation_is_a_finding(table: BacktestTable, worker: BacktestWorker) -> None:
    judge_all(table, worker, rules(pause_rule(8_000, id="long-pause")))
    done = resume()
    assert "removes 2 false alarms, loses 1 confirmed." in done.out
    assert (done.code, done.err.splitlines()[-1]) == (1, "1 confirmed violation would be lost; 0 may be (--may-lose).")
    assert resume("--may-lose", 1).code == 0


def test_a_backtest_and_its_segments_expire(stack: Aws, table: BacktestTable, worker: BacktestWorker) -> None:
    judge_all(table, worker, rules())
    items = [item for item in stack.items() if item["pk"] == {"S": f"BACKTEST#{ID}"}]
    assert len(items) == SPAN.segments + 1
    assert {item["expires_at"]["N"] for item in items} == {str(NOON_MS // 1000 + 7 * 86_400)}


class TestTheFunction:
    def test_refuses_what_is_no_segment(self, table: BacktestTable, worker: BacktestWorker) -> None:
        table.create(ID, StoredBacktest(rules(), rules(), SPAN, SPAN.segments, answered=False))
        for event in ({}, {"backtest": ID}, {"backtest": ID, "segment": -1}):
            with pytest.raises(ValidationError):
                worker.handle(event)
        with pytest.raises(ValueError, match=f"Backtest {ID} has 96 segments; no 96"):
            worker.handle({"backtest": ID, "segment": 96})

    def test_refuses_a_backtest_that_is_not_there(self, worker: BacktestWorker) -> None:
        with pytest.raises(BacktestUnusable, match="There is no backtest gone"):
            worker.handle({"backtest": "gone", "segment": 0})


class TestRefused:
    """One clear sentence, and the exit code."""

    @pytest.mark.usefixtures("stack")
    def test_a_backtest_that_is_not_there(self) -> None:
        done = resume()
        assert (done.code, done.out) == (2, "")
        assert done.err == f"There is no backtest {ID}. Backtests are kept for 7 days.\n"

    def test_rules_of_another_release(self, stack: Aws, table: BacktestTable) -> None:
        table.create(ID, StoredBacktest(rules(), rules(), SPAN, SPAN.segments, answered=False))
        newer = json.dumps({"version": 1, "rules": [{"id": "n", "severity": "info", "when": "mood"}]})
        stack.dynamodb.update_item(
            TableName=TABLE,
            Key={"pk": {"S": f"BACKTEST#{ID}"}, "sk": {"S": "BACKTEST"}},
            UpdateExpression="SET #now = :rules",
            ExpressionAttributeNames={"#now": "now"},
            ExpressionAttributeValues={":rules": {"S": newer}},
        )
        done = resume()
        assert (done.code, done.out) == (2, "")
        assert done.err == f"Another release wrote backtest {ID}. Start a new one.\n"

    def test_a_stack_without_the_state_machine(self, stack: Aws, run: Run) -> None:
        older = json.loads(STACK)
        del older["Outputs"]["BacktestStateMachineArn"]
        stack.session().client("cloudformation").update_stack(StackName="past", TemplateBody=json.dumps(older))
        done = run("--distributed", rules=[])
        assert (done.code, done.out) == (3, "")
        assert done.err.startswith("past has no state machine for backtests: it is an older deployment.")

    @pytest.mark.parametrize("option", ["--list", "--words"])
    def test_what_it_cannot_show(self, run: Run, option: str) -> None:
        done = run("--distributed", option, rules=[])
        assert (done.code, done.out) == (2, "")
        assert done.err.startswith("A distributed backtest only counts.")

    def test_a_period_for_one_that_was_started(self) -> None:
        done = resume("--since", "30d")
        assert (done.code, done.out) == (2, "")
        assert done.err.startswith("--resume goes on as the backtest was started:")

    def test_no_document(self) -> None:
        done = ica("rules", "backtest", "--stack", "past", "--region", REGION)
        assert (done.code, done.err) == (2, "Give the rules document to judge by: ica rules backtest FILE.\n")
