"""`ica send`: one event into a deployed stack's queue, and what came of it."""

from __future__ import annotations

import json
import re
import time
from typing import Any

import boto3
from boto3.dynamodb.types import TypeDeserializer
from rich.console import Console
from rich.markup import escape

from cli.errors import CommandError
from cli.stack import require_stack

_RECORDING_ID = re.compile(r"[1-9][0-9]{0,18}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def send(console: Console, session: boto3.Session, stack: str, recording: str, wait_seconds: float) -> bool:
    """Send one event and show the outcome; False where none is stored in time. Raises `CommandError`."""
    recording = recording.strip().lower()
    if not _RECORDING_ID.fullmatch(recording):
        raise CommandError(f"{recording or 'Nothing'} is no recording id: a number, or a UUID.")
    outputs = require_stack(session, stack).outputs
    before = _outcome(session, outputs, recording)
    # Named a replay, so that discovery does not take what a person sends for a trigger to rely on.
    event = {"recording_id": int(recording) if recording.isdigit() else recording, "source": "replay"}
    session.client("sqs").send_message(QueueUrl=outputs["EventQueueUrl"], MessageBody=json.dumps(event))
    console.print(f"[green]✓[/] Sent to the event queue of {escape(stack)}.")
    outcome = _await_outcome(console, session, outputs, recording, before, wait_seconds)
    if outcome is None:
        _explain_silence(console, session, outputs, wait_seconds)
        return False
    _show(console, recording, outcome)
    return True


def _outcome(session: boto3.Session, outputs: dict[str, str], recording: str) -> dict[str, Any] | None:
    """The outcome item, through the alias where a UUID was given."""
    keys = [f"RECORDING#{recording}"]
    if not recording.isdigit():
        aliases = _items(session, outputs, f"ALIAS#{recording}")
        keys = [f"RECORDING#{alias['recording_id']}" for alias in aliases] or keys
    return next((item for item in _items(session, outputs, keys[0]) if item["sk"] == "OUTCOME"), None)


def _items(session: boto3.Session, outputs: dict[str, str], pk: str) -> list[dict[str, Any]]:
    answer = session.client("dynamodb").query(
        TableName=outputs["OutcomeTableName"],
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": {"S": pk}},
        ConsistentRead=True,
    )
    read = TypeDeserializer().deserialize
    return [{name: read(value) for name, value in item.items()} for item in answer["Items"]]


def _await_outcome(
    console: Console,
    session: boto3.Session,
    outputs: dict[str, str],
    recording: str,
    before: dict[str, Any] | None,
    wait_seconds: float,
) -> dict[str, Any] | None:
    """A new outcome, or a new revision of the one that stood; the one that stood if it stays."""
    deadline = time.monotonic() + wait_seconds
    with console.status("Waiting for its outcome …"):
        while time.monotonic() < deadline:
            found = _outcome(session, outputs, recording)
            if found and (before is None or found["revision"] != before["revision"]) and not _pending(found):
                return found
            time.sleep(1)
    if before:
        console.print("No newer outcome came; this is the one that stands:")
    return before


def _pending(outcome: dict[str, Any]) -> bool:
    return "alert" in outcome and outcome["alert"]["state"] == "pending"


def _show(console: Console, recording: str, outcome: dict[str, Any]) -> None:
    total = int(outcome.get("violations_total", 0))
    console.print(f"[bold]Recording {recording}: {outcome['status']}[/], evaluated {outcome['evaluated_at']}")
    for violation in outcome.get("violations", []):
        console.print(f"  • {escape(violation['summary'])} [dim]({violation['severity']}, {violation['rule_id']})[/]")
    if (more := total - len(outcome.get("violations", []))) > 0:
        console.print(f"  • and {more} more")
    if "alert" in outcome:
        console.print(f"Alert {outcome['alert']['alert_id']}: {outcome['alert']['state']}")


def _explain_silence(console: Console, session: boto3.Session, outputs: dict[str, str], waited: float) -> None:
    sqs = session.client("sqs")
    console.print(f"[yellow]No outcome within {waited:.0f} s.[/] The event is not lost:")
    for title, output in (("event queue", "EventQueueUrl"), ("dead-letter queue", "EventDeadLetterQueueUrl")):
        answer = sqs.get_queue_attributes(QueueUrl=outputs[output], AttributeNames=["All"])
        counts = {str(name): value for name, value in answer["Attributes"].items()}
        new, working, deferred = (
            counts[f"ApproximateNumberOfMessages{state}"] for state in ("", "NotVisible", "Delayed")
        )
        console.print(f"  {title}: {new} waiting, {working} being worked on, {deferred} deferred")
    console.print(
        "A recording whose analysis is not finished is deferred and tried again. The function's log says why."
    )
