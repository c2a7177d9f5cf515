"""CPU of a cold start: importing the evaluation function and building its worker, in fresh interpreters.

The floor is derived from ours, so that it never falls behind: the import statements of third-party packages in those
of our modules that were loaded, and the same boto3 clients.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from statistics import median
from typing import Any

from rich.console import Console

from benchmarks import view
from benchmarks.child import child_environment
from benchmarks.view import Verdict
from benchmarks.world import running_world

RUNS = 15
TARGET = 1.2


def show(console: Console) -> list[Verdict]:
    spent: dict[str, list[float]] = {"ours": [], "floor": []}
    with view.progress(console, "Initialisation") as progress, running_world() as world:
        environment = child_environment(world.environment)
        found = _fresh(environment, "probe")
        subjects = {"ours": ["ours"], "floor": ["floor", found["imports"], *found["clients"]]}
        for arguments in subjects.values():
            _fresh(environment, *arguments)  # so that every module is compiled
        for number in range(RUNS):
            for name, arguments in subjects.items():
                spent[name].append(_fresh(environment, *arguments))
            progress((number + 1) / RUNS)
    bare, whole = median(spent["floor"]), median(spent["ours"])
    ratio = whole / bare
    table = view.table("", "ms", "× floor")
    table.add_row("ours", f"{whole * 1000:.0f}", f"{ratio:.2f}", style="bold")
    table.add_row("floor", f"{bare * 1000:.0f}", "1.00")
    view.show(
        console,
        "CPU to initialise the evaluation function",
        table,
        f"Medians of {RUNS} fresh interpreters each, by turns; counted from the first import, everything compiled "
        "before. ours: importing the handler's module and building its worker.",
        f"floor: the {len(found['imports'].splitlines())} import statements of third-party packages in the modules "
        f"that ours loads, and the same boto3 clients ({', '.join(found['clients'])}).",
    )
    return [Verdict("Initialisation CPU: ÷ floor", f"{ratio:.2f}", f"≤ {TARGET}", ratio <= TARGET)]


def _fresh(environment: Mapping[str, str], *arguments: str) -> Any:
    """What `benchmarks.startup` prints in a new interpreter."""
    command = [sys.executable, "-m", "benchmarks.startup", *arguments]
    return json.loads(subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True).stdout)
