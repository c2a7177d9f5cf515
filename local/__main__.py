"""The project's command line: `python -m local COMMAND`. `make run` and `make up` call it."""

from __future__ import annotations

import signal
from collections.abc import Callable
from typing import Annotated, NoReturn

import typer
from rich.console import Console

from local.container_environment import as_file, container_environment
from local.places import LocalStackError
from local.ports import DEFAULT_PORT, Ports
from local.run import UsageError
from local.run import run as run_all
from local.running_stack import RunningStack
from local.up import up as keep_up

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, help=__doc__)
console = Console(highlight=False)

FAILED, MISUSED, INTERRUPTED = 1, 2, 130


@app.command()
def run() -> None:
    """Run the whole system on this machine and judge recordings of every kind, or real ones with API_KEY."""
    _carry_out(lambda: run_all(console))


@app.command()
def up(
    port: Annotated[int, typer.Option(help="the first of four ports", min=1024, max=65_532)] = DEFAULT_PORT,
) -> None:
    """Keep the local stack up until Ctrl-C, and show what comes in."""
    _carry_out(lambda: keep_up(console, port))


@app.command()
def env_vars(port: Annotated[int, typer.Option(help="as given to `up`")] = DEFAULT_PORT) -> None:
    """Print what `sam local invoke` must set in a container; see local/container_environment.py."""

    def show() -> bool:
        with RunningStack(port) as stack:
            print(as_file(container_environment(stack, Ports.starting_at(port))), end="")
        return True

    _carry_out(show)


def _carry_out(work: Callable[[], bool]) -> NoReturn:
    """Exit 0 if the work says it is good; whatever ends it, say so in words."""
    signal.signal(signal.SIGTERM, _interrupt)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell that starts it in the background has it ignored
    try:
        status = 0 if work() else FAILED
    except (LocalStackError, TimeoutError) as failure:
        console.print("[bold red]Failed:[/]", end=" ")
        console.print(str(failure), markup=False, soft_wrap=True)
        status = FAILED
    except UsageError as refusal:
        console.print(str(refusal), markup=False, soft_wrap=True)
        status = MISUSED
    except KeyboardInterrupt:
        console.print("\nStopped. Nothing is left running.")
        status = INTERRUPTED
    raise typer.Exit(status)


def _interrupt(*_: object) -> NoReturn:
    """SIGTERM leaves as Ctrl-C does: in good order."""
    raise KeyboardInterrupt


if __name__ == "__main__":
    app()
