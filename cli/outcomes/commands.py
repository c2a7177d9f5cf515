"""The commands of `ica outcomes`: their arguments and their help. What each does is in the file of its name."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.options import DEFAULT_STACK, Region, StackName
from cli.outcomes.reindex import reindex as reindex_stack
from cli.stack import session_in

app = typer.Typer(name="outcomes", no_args_is_help=True, help="Outcomes: what was judged, and what was found.")


@app.callback()
def group() -> None:
    """Outcomes: what was judged, and what was found."""


@app.command(epilog="Example: ica outcomes reindex --stack identitycall-alerts-dev --yes")
def reindex(
    stack: StackName = DEFAULT_STACK,
    region: Region = None,
    yes: Annotated[bool, typer.Option("--yes", help="agree beforehand")] = False,
) -> None:
    """Put outcomes and deliveries of older releases into the index by day. It may be stopped, and goes on then."""
    raise typer.Exit(reindex_stack(session_in(region), stack, yes=yes))
