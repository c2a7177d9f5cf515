"""`ica rules backtest` on the deployed stack, whose functions wrote the outcomes and the index."""

from __future__ import annotations

import json
import os
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from local.deployment import STACK_NAME
from local.places import ROOT, SOURCES
from local.recordings import goal
from local.stack import LocalStack
from tests.e2e.conftest import MakeRecording

NAME = "Known to one test alone"


def backtest(stack: LocalStack, file: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [".tools/operator/bin/python", "-m", "cli", "rules", "backtest", str(file), "--stack", STACK_NAME, *arguments],
        cwd=ROOT,
        env={**os.environ, **stack.emulator.environment(), "PYTHONPATH": os.pathsep.join([str(ROOT), str(SOURCES)])},
        capture_output=True,
        text=True,
        check=False,
    )


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
    done = backtest(stack, file, "--since", "1h", "--list", "-o", "json")
    assert (done.returncode, done.stderr) == (0, ""), done
    told = json.loads(done.stdout)
    strict = {name: told["rules"]["strict"][name] for name in ("now", "before", "new", "gone", "new_ids")}
    assert strict == {"now": 1, "before": 0, "new": 1, "gone": 0, "new_ids": [missed.id]}
    assert told["rules"]["unmet-goal"]["now"] == 0
    assert told["rules"]["unmet-goal"]["gone"] == told["rules"]["unmet-goal"]["before"] >= 1
    assert told["never_seen"] == {"typo": {"goals": ["Knwon"], "keywords": []}}

    shown = backtest(stack, file, "--since", "1h")
    assert (shown.returncode, shown.stderr) == (0, ""), shown
    assert "typo names the goal “Knwon”: in none of these results." in shown.stdout
    assert "lawyer" not in shown.stdout


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
