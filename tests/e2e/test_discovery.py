"""Discovery in the deployed stack: no trigger announces the recordings, yet they are alerted. IAM is enforced.

But the emulator knows no `dynamodb:LeadingKeys`: it refuses no write for its key. `tests/integration/
test_table_permissions.py` compares the functions' writes with what the template's conditions allow.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from local import webhooks
from local.deployment import STACK_NAME
from local.observation import about, mentions
from local.places import ROOT
from local.recordings import Recording
from local.stack import LocalStack
from tests.e2e.conftest import MET, MakeRecording

FUNCTION = "DiscoveryFunction"
TEN_MINUTES_MS = 600_000

New = Callable[..., Recording]


@pytest.fixture(autouse=True)
def never_started(stack: LocalStack) -> Iterator[None]:
    """Each test is the first start, with no other trigger seen; so is whatever comes after it."""

    def forget() -> None:
        stack.client("dynamodb").delete_item(
            TableName=stack.outputs["OutcomeTableName"], Key={"pk": {"S": "DISCOVERY"}, "sk": {"S": "STATE"}}
        )

    forget()
    yield
    forget()


@pytest.fixture
def new(stack: LocalStack, make_recording: MakeRecording) -> Iterator[New]:
    """A recording that was created a moment ago. After the test they are of the past."""
    made = []

    def make(age: timedelta = timedelta(minutes=1), **fields: Any) -> Recording:
        made.append(make_recording(created_at=(datetime.now(UTC) - age).isoformat(), **fields))
        return made[-1]

    yield make
    stack.vendor.put(*(replace(recording, created_at="2026-11-20T09:14:00Z") for recording in made))


def run(stack: LocalStack, event: Any = None) -> dict[str, Any]:
    return dict(stack.invoke(event or {}, FUNCTION))


def in_slack(stack: LocalStack, recording: Recording) -> int:
    return sum(mentions(message, recording.id) for message in stack.slack.messages())


def source(stack: LocalStack, recording: Recording) -> str:
    outcome = stack.wait_for("its outcome", lambda: stack.outcome(recording.id))
    return str(outcome["source"])


def mark(stack: LocalStack, recording: Recording) -> dict[str, Any] | None:
    return next(iter(stack.items(f"MARK#{recording.id}")), None)


def settled(stack: LocalStack, *recordings: Recording) -> bool:
    ids = [recording.id for recording in recordings]
    return all(stack.outcome(each) for each in ids) and not about(stack.waiting(), *ids)


def test_a_recording_that_no_trigger_announced_ends_in_slack(stack: LocalStack, new: New) -> None:
    recording, clear = new(), new(goals=[MET])
    answer = run(stack)
    assert (answer["result"], answer["discovered"], answer["missed"]) == ("complete", 2, 0)
    stack.wait_for("its message in Slack", lambda: in_slack(stack, recording))
    assert (source(stack, recording), source(stack, clear)) == ("discovery", "discovery")
    assert run(stack)["discovered"] == 0
    assert len(stack.alerts(recording.id)) == in_slack(stack, recording) == 1


def test_a_recording_of_several_triggers_is_judged_once(stack: LocalStack, new: New) -> None:
    """By webhook, the queue and the event bus, before and after discovery meets them."""
    recordings = by_webhook, by_queue, by_bus = new(), new(), new()
    webhooks.announce(stack, by_webhook.id)
    stack.send({"recording_id": by_queue.id})
    stack.put_event({"recording_id": by_bus.public_id})
    run(stack)
    stack.wait_for("all outcomes", lambda: settled(stack, *recordings))
    run(stack)
    webhooks.announce(stack, by_webhook.id)
    stack.send({"recording_id": by_queue.id, "source": "discovery"})
    stack.wait_for("an empty queue", lambda: settled(stack, *recordings))
    stack.wait_for("all messages", lambda: all(in_slack(stack, each) for each in recordings))
    assert [in_slack(stack, each) for each in recordings] == [1, 1, 1]
    assert [len(stack.alerts(each.id)) for each in recordings] == [1, 1, 1]


def test_a_recording_that_the_other_trigger_misses_is_found_by_a_later_run(stack: LocalStack, new: New) -> None:
    delivered, forgotten = new(), new()
    webhooks.announce(stack, delivered.id)
    assert source(stack, delivered) == "webhook"

    assert run(stack)["discovered"] == 0
    seen = mark(stack, forgotten)
    assert seen
    assert seen["mark"] == "seen"
    assert run(stack)["discovered"] == 0  # not yet: no two minutes have passed
    table = stack.outputs["OutcomeTableName"]
    stack.client("dynamodb").update_item(
        TableName=table,
        Key={"pk": {"S": f"MARK#{forgotten.id}"}, "sk": {"S": "DISCOVERED"}},
        UpdateExpression="SET marked_ms = :earlier",
        ExpressionAttributeValues={":earlier": {"N": str(int(seen["marked_ms"]) - TEN_MINUTES_MS)}},
    )

    answer = run(stack)
    assert (answer["discovered"], answer["missed"]) == (1, 1)
    stack.wait_for("its message in Slack", lambda: in_slack(stack, forgotten))
    assert source(stack, forgotten) == "discovery"
    assert '"RecordingsMissed":[1.0]' in "".join(stack.log(FUNCTION)).replace(" ", "")


def test_make_discover_shows_what_a_run_found(stack: LocalStack, new: New) -> None:
    recording = new(timedelta(hours=3))
    run(stack)
    asked = subprocess.run(
        [str(ROOT / ".venv" / "bin" / "ica"), "discover", "--stack", STACK_NAME, "--history-hours", "24"],
        cwd=ROOT,
        env={**os.environ, **stack.emulator.environment()},
        capture_output=True,
        text=True,
        check=False,
    )
    assert asked.returncode == 0, asked
    assert asked.stdout.startswith("✓ Sent to the event queue: 1. Pages of the list read: "), asked
    assert source(stack, recording) == "discovery"
