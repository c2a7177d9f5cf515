"""The project's command line: `python -m local COMMAND`. `make run` and `make send` call it."""

from __future__ import annotations

import signal
import sys
from typing import Annotated, NoReturn

import typer
from rich.console import Console

from local.places import LocalStackError
from local.run import UsageError
from local.run import run as run_all
from local.send import SendError
from local.send import send as send_one

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, help=__doc__)
console = Console(highlight=False)

INTERRUPTED = 130


@app.command()
def run() -> None:
    """Run the whole system on this machine and judge recordings of every kind, or real ones with API_KEY."""
    _finish(run_all(console))


@app.command()
def send(
    recording: Annotated[str, typer.Option(help="a recording's number or UUID")],
    stack: Annotated[str, typer.Option(help="the deployed stack's name")] = "identitycall-alerts",
    wait: Annotated[float, typer.Option(help="seconds to wait for the outcome")] = 60.0,
) -> None:
    """Put one event into a deployed stack, and show what came of it."""
    _finish(send_one(console, recording, stack, wait))


def _finish(good: bool) -> NoReturn:
    raise typer.Exit(0 if good else 1)


def _terminated(*_: object) -> NoReturn:
    """SIGTERM leaves as Ctrl-C does: in good order."""
    raise KeyboardInterrupt


def main() -> int:
    signal.signal(signal.SIGTERM, _terminated)
    try:
        return int(app(standalone_mode=False) or 0)
    except (LocalStackError, TimeoutError) as failure:
        console.print("[bold red]Failed:[/]", end=" ")
        console.print(str(failure), markup=False, soft_wrap=True)
        return 1
    except (UsageError, SendError) as refusal:
        console.print(str(refusal), markup=False, soft_wrap=True)
        return 2
    except (KeyboardInterrupt, typer.Abort):
        console.print("\nStopped. Nothing is left running.")
        return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
