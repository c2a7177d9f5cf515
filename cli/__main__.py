"""ica: the operator's command for IdentityCall Alerts. Each command works on a deployed stack, or on a file."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from cli.console import never_stumble, out
from cli.discover import discover as discover_new
from cli.errors import Exit, told_in_a_sentence
from cli.options import DEFAULT_STACK, Region, StackName
from cli.outcomes.commands import app as outcomes
from cli.rules.commands import app as rules
from cli.send import send as send_one
from cli.stack import session_in

app = typer.Typer(name="ica", no_args_is_help=True, pretty_exceptions_enable=False, help=__doc__)
app.add_typer(rules)
app.add_typer(outcomes)


@app.command(epilog="Example: ica send 123 --stack identitycall-alerts-dev")
def send(
    recording: Annotated[str, typer.Argument(help="a recording's number or UUID")],
    stack: StackName = DEFAULT_STACK,
    region: Region = None,
    wait: Annotated[float, typer.Option(help="seconds to wait for the outcome")] = 60.0,
) -> None:
    """Put one event into the stack's queue, and show what came of it."""
    _exit(send_one(out, session_in(region), stack, recording, wait))


@app.command(epilog="Example: ica discover --history-hours 48 --stack identitycall-alerts-dev")
def discover(
    stack: StackName = DEFAULT_STACK,
    region: Region = None,
    history_hours: Annotated[int | None, typer.Option(help="look back so far, also to before the first start")] = None,
) -> None:
    """Look for new recordings now, or for those of the past."""
    _exit(discover_new(out, session_in(region), stack, history_hours))


def _exit(good: bool) -> None:
    raise typer.Exit(Exit.FINE if good else Exit.FINDINGS)


def main(arguments: Sequence[str]) -> None:
    """Run one command, and end as `cli.errors` says."""
    never_stumble()
    with told_in_a_sentence():
        sys.exit(app(list(arguments), prog_name="ica"))


if __name__ == "__main__":
    main(sys.argv[1:])
