"""`ica discover`: one run of a deployed stack's discovery, also for recordings of the past."""

from __future__ import annotations

import json
from typing import Any

import boto3
from botocore.config import Config
from rich.console import Console
from rich.markup import escape

from cli.errors import CommandError
from cli.stack import require_stack

_FUNCTION_LASTS_SECONDS = 30


def discover(console: Console, session: boto3.Session, stack: str, history_hours: int | None) -> bool:
    """Start a run and show its findings. Returns False if it failed. Raises `CommandError`."""
    function = require_stack(session, stack).outputs.get("DiscoveryFunctionName")
    if function is None:
        raise CommandError(f"{stack} is an older deployment, without discovery.")
    # No retry: a run whose answer was lost still goes on.
    patient = Config(read_timeout=_FUNCTION_LASTS_SECONDS + 15, retries={"total_max_attempts": 1})
    event = {} if history_hours is None else {"history_hours": history_hours}
    answer = session.client("lambda", config=patient).invoke(FunctionName=function, Payload=json.dumps(event).encode())
    found = json.loads(answer["Payload"].read())
    if answer.get("FunctionError"):
        console.print(f"[bold red]The function failed:[/] {escape(str(found.get('errorMessage')))}", soft_wrap=True)
        return False
    return _show(console, found)


def _show(console: Console, found: dict[str, Any]) -> bool:
    if found["result"] == "refused":
        raise CommandError(found["detail"])
    console.print(
        f"[green]✓[/] Sent to the event queue: {found['discovered']}. Pages of the list read: {found['pages']}."
    )
    if found["missed"]:
        console.print(f"Another trigger should have brought {found['missed']} of them.")
    if found["result"] == "stopped_early":
        console.print(f"[yellow]Not at the end: {escape(found['reason'])}.[/] The next run goes on from there.")
    return True
