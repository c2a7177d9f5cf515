"""`ica rules backtest` on the deployed stack, whose functions wrote the outcomes and the index."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from local.deployment import STACK_NAME
from local.places import ROOT, SOURCES
from local.recordings import goal
from local.stack import LocalStack
from tests.e2e.conftest import MakeRecording


class Ended(NamedTuple):
    returncode: int
    stdout: str
    stderr: str


NAME = "Known to one test alone"


def start(stack: LocalStack, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [".tools/operator/bin/python", "-m", "cli", "rules", "backtest", "--stack", STACK_NAME, *arguments],
        cwd=ROOT,
        env={**os.environ, **stack.emulator.environment(), "PYTHONPATH": os.pathsep.join([str(ROOT), str(SOURCES)])},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def backtest(stack: LocalStack, *arguments: str) -> Ended:
    with start(stack, *arguments) as process:
        out, err = process.communicate(timeout=120)
    return Ended(process.returncode, out, err)


def indexed(stack: LocalStack, what: str, recording: int) -> list[dict[str, Any]]:
    """A recording's items in the index of today."""
    now = datetime.now(UTC)
    found = stack.client("dynamodb").query(
        TableName=stack.outputs["OutcomeTableName"],
        IndexName="by_day",
        KeyConditionExpression="index_day = :day",
        ExpressionAttributeValues={":day": {"S": f"{what}#{now:%Y-%m-%d}"}},
    )["Items"]
    return [item for item in found if item["pk"]["S"] == f"RECORDING#{recording}"]


def segments(stack: LocalStack, backtest_id: str) -> list[dict[str, Any]]:
    """The keys of the segments that are judged."""
    found: list[dict[str, Any]] = stack.client("dynamodb").query(
        TableName=stack.outputs["OutcomeTableName"],
        KeyConditionExpression="pk = :pk AND begins_with(sk, :segment)",
        ExpressionAttributeValues={":pk": {"S": f"BACKTEST#{backtest_id}"}, ":segment": {"S": "SEGMENT#"}},
        ProjectionExpression="pk, sk",
    )["Items"]
    return found


def test_a_rule_change_shows_its_effect_on_the_calls_that_the_stack_judged(
    stack: LocalStack, make_recording: MakeRecording, tmp_path: Path
) -> None:
    missed = make_recording(goals=[goal(901, NAME, 0.3, "She asked for her lawyer.")])
    met = make_recording(goals=[goal(901, NAME, 0.9, None)])
    stack.send({"recording_id": missed.id})
    stack.send({"recording_id": met.id})
    stack.wait_for("both outcomes", lambda: stack.outcome(missed.id) and stack.outcome(met.id))

    file = tmp_path / "rules.json"
    rule = {"id": "strict", "when": "goal_unmet", "goal_names": [NAME], "severity": "critical"}
    file.write_text(json.dumps({"version": 1, "rules": [rule, rule | {"id": "typo", "goal_names": ["Knwon"]}]}))
    done = backtest(stack, str(file), "--since", "1h", "--list", "-o", "json")
    assert (done.returncode, done.stderr) == (0, ""), done
    told = json.loads(done.stdout)
    strict = {name: told["rules"]["strict"][name] for name in ("now", "before", "new", "gone", "new_ids")}
    assert strict == {"now": 1, "before": 0, "new": 1, "gone": 0, "new_ids": [missed.id]}
    assert told["rules"]["unmet-goal"]["now"] == 0
    assert told["rules"]["unmet-goal"]["gone"] == told["rules"]["unmet-goal"]["before"] >= 1
    assert told["never_seen"] == {"typo": {"goals": ["Knwon"], "keywords": []}}

    shown = backtest(stack, str(file), "--since", "1h")
    assert (shown.returncode, shown.stderr) == (0, ""), shown
    assert "typo names the goal “Knwon”: in none of these results." in shown.stdout
    assert "lawyer" not in shown.stdout


def test_a_distributed_backtest_counts_what_one_on_this_machine_counts(
    stack: LocalStack, make_recording: MakeRecording, tmp_path: Path
) -> None:
    """Also where it was stopped, and half its segments are judged again."""
    calls = [make_recording(goals=[goal(902, "Greeting", score, None)]) for score in (0.2, 0.4, 0.9)]
    for call in calls:
        stack.send({"recording_id": call.id})
    stack.wait_for("every outcome", lambda: all(stack.outcome(call.id) for call in calls))
    file = tmp_path / "rules.json"
    rule = {"id": "strict", "when": "goal_unmet", "severity": "critical", "score_below": 0.3}
    file.write_text(json.dumps({"version": 1, "rules": [rule]}))
    time.sleep(1)  # A period ends now at the latest, in whole seconds.
    until = datetime.now(UTC)
    period = ("--from", f"{until - timedelta(hours=5):%Y-%m-%dT%H:%M:%SZ}", "--to", f"{until:%Y-%m-%dT%H:%M:%SZ}")

    here = backtest(stack, str(file), *period, "-o", "json")
    distributed = backtest(stack, str(file), *period, "-o", "json", "--distributed")
    assert (here.returncode, distributed.returncode) == (0, 0), (here, distributed)
    told = json.loads(distributed.stdout)
    assert told == json.loads(here.stdout)
    assert (told["rules"]["strict"]["now"] >= 1, told["outcomes"] >= 3) == (True, True)

    [backtest_id] = re.findall(r"--resume (\S+)", distributed.stderr)
    kept = segments(stack, backtest_id)
    assert len(kept) == 5
    dynamodb, table = stack.client("dynamodb"), stack.outputs["OutcomeTableName"]
    for number, key in enumerate(kept):
        if number % 2:
            dynamodb.put_item(
                TableName=table, Item=dynamodb.get_item(TableName=table, Key=key)["Item"] | {"kept": {"BOOL": True}}
            )
        else:
            dynamodb.delete_item(TableName=table, Key=key)
    resumed = backtest(stack, "--resume", backtest_id, "-o", "json")
    assert (resumed.returncode, json.loads(resumed.stdout)) == (0, told), resumed
    assert segments(stack, backtest_id) == kept
    items = [dynamodb.get_item(TableName=table, Key=key)["Item"] for key in kept]
    assert ["kept" in item for item in items] == [False, True, False, True, False]


def test_a_distributed_backtest_that_was_stopped_goes_on(stack: LocalStack, tmp_path: Path) -> None:
    file = tmp_path / "rules.json"
    file.write_text(json.dumps({"version": 1, "rules": []}))
    machine = stack.outputs["BacktestStateMachineArn"]
    with start(stack, str(file), "--since", "4d", "--distributed", "-o", "json") as process:
        states = stack.client("stepfunctions")

        def running() -> list[str]:
            found = states.list_executions(stateMachineArn=machine, statusFilter="RUNNING")["executions"]
            return [each["executionArn"] for each in found]

        stack.wait_for("the execution", running)
        states.stop_execution(executionArn=running()[0], error="Stopped", cause="by a test")
        _, told = process.communicate(timeout=60)
    assert process.returncode == 3, told
    assert "The run ended as ABORTED." in told
    assert re.search(r"\d+ of 96 segments were not judged", told), told
    [backtest_id] = set(re.findall(r"--resume (\S+)", told))

    resumed = backtest(stack, "--resume", backtest_id, "-o", "json")
    assert resumed.returncode == 0, resumed
    assert len(segments(stack, backtest_id)) == 96


def test_an_outcome_and_its_deliveries_are_in_the_index(stack: LocalStack, make_recording: MakeRecording) -> None:
    recording = make_recording()
    stack.send({"recording_id": recording.id})

    def sent() -> list[str]:
        return [item["sk"]["S"] for item in indexed(stack, "DELIVERY", recording.id) if item["state"]["S"] == "sent"]

    stack.wait_for("its deliveries to Slack and by e-mail", lambda: len(sent()) == 2)
    [outcome] = indexed(stack, "OUTCOME", recording.id)
    assert outcome["status"] == {"S": "violations"}
    assert outcome["index_time"]["S"].endswith(f"#{recording.id}")
    assert not {"results", "alert"} & set(outcome)
