"""`python -m benchmarks [PART…]`: every part, or those named. Exit 1 where a target is missed."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from importlib import import_module
from typing import Annotated

import typer
from rich.console import Console

from benchmarks import view
from benchmarks.view import Verdict
from local.places import LocalStackError


class Part(StrEnum):
    CPU = "cpu"
    LATENCY = "latency"
    INIT = "init"
    CALLS = "calls"
    PACKAGE = "package"
    WEBHOOK = "webhook"
    BACKLOG = "backlog"
    MEMORY = "memory"
    BACKTEST = "backtest"


_MODULES = {Part.INIT: "initialisation"}
"""Where the module is not called as the part."""


def main(
    parts: Annotated[list[Part] | None, typer.Argument(help="none: all of them")] = None,
) -> None:
    """What the product costs, as ratios taken in one run."""
    console = Console(highlight=False)
    found: list[Verdict] = []
    try:
        for part in parts or list(Part):
            show: Callable[[Console], list[Verdict]] = import_module(f"benchmarks.{_MODULES.get(part, part)}").show
            found += show(console)
    except LocalStackError as failure:
        console.print("[bold red]Failed:[/]", end=" ")
        console.print(str(failure), markup=False, soft_wrap=True)
        raise typer.Exit(1) from failure
    view.verdicts(console, found)
    if not all(verdict.met for verdict in found):
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
