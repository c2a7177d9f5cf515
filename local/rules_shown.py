"""What `make run` shows of rules: what a shadow rule found, and a backtest of changed rules over the judged calls."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import defaultdict

from rich.console import Console

from local.deployment import STACK_NAME
from local.places import ROOT
from local.stack import LocalStack

RULES = ROOT / "local" / "fixtures" / "rules.json"
"""The two default rules, and one in the shadow."""
CHANGED = ROOT / "local" / "fixtures" / "stricter_rules.json"


def show_shadow(stack: LocalStack, console: Console) -> list[str]:
    """Say which calls the shadow rules found. Returns what is not as it should be, in words."""
    found: dict[str, list[str]] = defaultdict(list)
    for outcome in stack.outcomes():
        for each in outcome.get("shadow", []):
            found[each["rule_id"]].append(str(outcome["recording_id"]))
    console.print()
    for rule, recordings in sorted(found.items()):
        calls = f"{len(recordings)} calls" if len(recordings) > 1 else "1 call"
        console.print(f"Shadow rule [bold]{rule}[/] found {calls} and alerted nobody: {', '.join(sorted(recordings))}.")
    return [] if found else ["No outcome holds a finding of the shadow rule."]


def show_backtest(stack: LocalStack, console: Console) -> list[str]:
    """Run `ica rules backtest` over the calls just judged. Returns what is not as it should be, in words."""
    command = ["rules", "backtest", str(CHANGED.relative_to(ROOT)), "--since", "1d", "--stack", STACK_NAME]
    console.print(f"\n[bold]ica {' '.join(command)}[/]")
    path = os.pathsep.join((str(ROOT), str(ROOT / "src")))
    done = subprocess.run(
        [sys.executable, "-m", "cli", *command],
        env={**os.environ, **stack.emulator.environment(), "PYTHONPATH": path, "COLUMNS": "80"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    console.print(done.stdout.rstrip(), markup=False, highlight=False)
    return [] if done.returncode == 0 else [f"The backtest ended with {done.returncode}: {done.stderr.strip()}"]
