"""Where commands speak: data on standard output, everything else on standard error."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

out: Final = Console(highlight=False)
err: Final = Console(stderr=True, highlight=False)


def say(line: str) -> None:
    """A sentence beside the data, unwrapped."""
    print(line, file=sys.stderr, flush=True)


def print_json(value: Any) -> None:
    print(json.dumps(value, ensure_ascii=False, indent=2))


def never_stumble() -> None:
    """Show what the terminal's encoding lacks as an escape, instead of ending with a traceback."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


@contextmanager
def progress_bar(title: str, unit: str) -> Iterator[Callable[[int, int | None], None]]:
    """A bar on standard error, where that is a terminal; told how many units are done, of how many if that is known."""
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[told]}"), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as bars:
        bar = bars.add_task(title, total=None, told="")

        def told(done: int, total: int | None) -> None:
            of = f" of {total:,}" if total else ""
            bars.update(bar, completed=done, total=total, told=f"{done:,}{of} {unit}")

        yield told
