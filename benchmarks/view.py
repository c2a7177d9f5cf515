"""Shows the figures: a table and notes for each part, and one table of targets at the end."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from rich import box
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

WIDEST = 118


@dataclass(frozen=True)
class Verdict:
    """One figure against its target."""

    what: str
    figure: str
    target: str
    met: bool


@contextmanager
def progress(console: Console, what: str) -> Iterator[Callable[[float], None]]:
    """A bar that moves to the part done, 0 to 1, and is gone when all is."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:.0f} %"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bars:
        bar = bars.add_task(what, total=1.0)
        yield lambda done: bars.update(bar, completed=done)


def table(*columns: str) -> Table:
    """The first column is text, the others are numbers."""
    made = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for number, column in enumerate(columns):
        made.add_column(column, justify="right" if number else "left")
    return made


def show(console: Console, title: str, made: Table, *notes: str) -> None:
    """A part's table, and notes on how it was counted."""
    console.print(f"[bold]{title}[/]")
    console.print(made)
    for note in notes:
        wrapped = textwrap.fill(note, min(console.width, WIDEST), initial_indent="  · ", subsequent_indent="    ")
        console.print(wrapped, style="dim", highlight=False, markup=False)
    console.print()


def verdicts(console: Console, every: Sequence[Verdict]) -> None:
    made = table("", "figure", "target", "")
    for each in every:
        made.add_row(each.what, each.figure, each.target, "[green]✓[/]" if each.met else "[bold red]missed[/]")
    show(console, "Against the targets", made)
