"""What `make run` shows: steps as they begin, a row for each recording as it settles, a closing line."""

from __future__ import annotations

import time
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.markup import escape
from rich.panel import Panel
from rich.status import Status
from rich.table import Table
from rich.text import Text

from local.mailbox import Mail
from local.observation import Observation

_COLOURS = {"clear": "green", "violations": "yellow", "analysis_failed": "magenta", "deferred": "cyan"}


@dataclass(frozen=True)
class Column:
    title: str
    width: int  # 0: takes the remaining width
    dispensable: bool = False  # left out where the terminal is narrow


COLUMNS = (
    Column("", 1),
    Column("Recording", 9),
    Column("What it is", 0),
    Column("Sent by", 23, dispensable=True),
    Column("Verdict", 15),
    Column("Violations", 10),
    Column("Stored", 6),
    Column("SNS", 3),
    Column("Slack", 5),
    Column("Mail", 4),
    Column("After", 6, dispensable=True),
)
WIDEST = 118
WIDE = 110


class Progress:
    """The line at the bottom shows the current step. A finished step leaves a line with its duration."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._status = Status("", console=console)
        self._step = ""
        self._began = 0.0

    def __enter__(self) -> Self:
        self._status.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._status.stop()

    def begin(self, step: str) -> None:
        self.finish()
        self._step, self._began = step, time.monotonic()
        self.say(f"{step} …")

    def finish(self) -> None:
        if self._step:
            took = time.monotonic() - self._began
            self._console.print(f"[green]✓[/] {self._step} [dim]{took:.1f} s[/]")
        self._step = ""

    def say(self, text: str) -> None:
        self._status.update(text)


def header(console: Console) -> None:
    console.print()
    console.print(_row(console, [f"[bold]{column.title}[/]" for column in COLUMNS]))
    console.print("─" * min(console.width, WIDEST), style="dim")


def row(console: Console, recording: str, what: str, sent: str, seen: Observation, after: float, *, good: bool) -> None:
    colour = _COLOURS.get(seen.verdict, "red")
    cells = [
        "[green]✓[/]" if good else "[red]✗[/]",
        recording,
        escape(what),
        f"[dim]{sent}[/]",
        f"[{colour}]{seen.verdict}[/]",
        str(seen.violations or ""),
        _yes(bool(seen.outcome)),
        _yes(len(seen.alerts)),
        _yes(len(seen.slack_messages)),
        _yes(len(seen.mails)),
        f"[dim]{after:.1f} s[/]",
    ]
    console.print(_row(console, cells))


def mail(sent: Mail, address: str) -> Panel:
    title = escape(f"E-mail to {address}")
    return Panel(Text.assemble((sent.subject, "bold"), "\n\n", sent.text), title=title, title_align="left", width=88)


def _yes(number: int) -> str:
    if number > 1:
        return f"[red]{number}×[/]"
    return "[green]yes[/]" if number else "[dim]–[/]"


def _row(console: Console, cells: list[str]) -> Table:
    """One line; printed at once, so that the table grows as recordings settle, whatever the terminal's height."""
    shown = [
        (column, cell)
        for column, cell in zip(COLUMNS, cells, strict=True)
        if console.width >= WIDE or not column.dispensable
    ]
    taken = sum(column.width for column, _ in shown) + len(shown) - 1
    table = Table.grid(padding=(0, 1, 0, 0))
    for column, _ in shown:
        table.add_column(width=column.width or min(console.width, WIDEST) - taken, no_wrap=True, overflow="ellipsis")
    table.add_row(*(cell for _, cell in shown))
    return table
