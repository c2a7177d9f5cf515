"""The commands of `ica rules`: their arguments and their help. What each does is in the file of its name."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli.errors import Exit
from cli.options import DEFAULT_STACK, Format, Output, Region, StackName
from cli.rules.backtest import Wish as BacktestWish
from cli.rules.backtest import backtest as backtest_file
from cli.rules.diff import diff as compare
from cli.rules.diff import in_file, in_force
from cli.rules.push import Wish
from cli.rules.push import push as push_file
from cli.rules.show import show as show_stored
from cli.rules.test import test as test_file
from cli.rules.validate import validate as validate_file
from cli.stack import session_in

app = typer.Typer(
    name="rules", no_args_is_help=True, help="Alert rules: validate, test, diff, backtest, push and show a document."
)

File = Annotated[Path, typer.Argument(metavar="FILE", help="a rules document (JSON)", show_default=False)]
Tests = Annotated[
    list[Path] | None,
    typer.Option("--tests", metavar="FILE", help="rule tests; may be repeated; else NAME.tests.json beside NAME.json"),
]


@app.command(epilog="Example: ica rules validate rules/support.json")
def validate(file: File, output: Format = Output.TABLE) -> None:
    """Show every fault of a document, by its path. Needs no stack."""
    _exit(validate_file(file, output))


@app.command("test", epilog="Example: ica rules test rules/support.json --junit build/rules.xml")
def try_out(
    file: File,
    tests: Tests = None,
    junit: Annotated[Path | None, typer.Option(metavar="FILE", help="also write the result as JUnit XML")] = None,
    output: Format = Output.TABLE,
) -> None:
    """Try every rule on its cases: what fired, and what was silent. Needs no stack."""
    _exit(test_file(file, tests or (), junit, output))


@app.command(epilog="Example: ica rules diff rules.json --stack identitycall-alerts-dev")
def diff(
    file: File,
    against: Annotated[Path | None, typer.Option(metavar="FILE", help="another document; else the stored one")] = None,
    stack: StackName = DEFAULT_STACK,
    region: Region = None,
    output: Format = Output.TABLE,
) -> None:
    """Show what a document would change: rules added, removed and changed, field by field."""
    after = in_file(file)
    before = in_file(against) if against else in_force(session_in(region), stack)
    _exit(compare(before, after, output))


@app.command(epilog="Example: ica rules show --stack identitycall-alerts-dev > rules.json")
def show(
    version: Annotated[int | None, typer.Option(help="an older version of the stored document", min=1)] = None,
    stack: StackName = DEFAULT_STACK,
    region: Region = None,
    output: Format = Output.TABLE,
) -> None:
    """Print the document in force; beside it, its digest and since when it holds."""
    _exit(show_stored(session_in(region), stack, version, output))


@app.command(epilog="Example: ica rules push rules.json --stack identitycall-alerts-dev")
def push(
    file: File,
    tests: Tests = None,
    force: Annotated[
        str | None, typer.Option(metavar="WHY", help="store it though its tests fail; kept with it")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="agree beforehand")] = False,
    stack: StackName = DEFAULT_STACK,
    region: Region = None,
    output: Format = Output.TABLE,
) -> None:
    """Check, try and compare a document, ask, and store it. It is in force within a minute."""
    _exit(push_file(lambda: session_in(region), Wish(file, tests or (), stack, force, yes, output)))


@app.command(epilog="Example: ica rules backtest rules/support.json --since 14d --list --stack identitycall-alerts-dev")
def backtest(  # noqa: PLR0913, PLR0917 - an option each
    file: Annotated[Path | None, typer.Argument(metavar="FILE", help="a rules document (JSON)")] = None,
    stack: StackName = DEFAULT_STACK,
    region: Region = None,
    since: Annotated[str | None, typer.Option(help="calls judged since then: 30d, 12h, 2w; 30d if left out")] = None,
    from_: Annotated[str | None, typer.Option("--from", help="the period's begin: days ago, or an ISO time")] = None,
    to: Annotated[str | None, typer.Option(help="the period's end, likewise; now if left out")] = None,
    against: Annotated[Path | None, typer.Option(help="a document to compare with, not the stored one")] = None,
    list_ids: Annotated[bool, typer.Option("--list", help="name the calls that are new or gone")] = False,
    words: Annotated[bool, typer.Option("--words", help="show what was found there, personal data included")] = False,
    may_lose: Annotated[int, typer.Option(min=0, help="confirmed violations that may be lost")] = 0,
    distributed: Annotated[bool, typer.Option("--distributed", help="judge on AWS: for millions of calls")] = False,
    resume: Annotated[str | None, typer.Option(metavar="ID", help="go on with a distributed backtest")] = None,
    output: Format = Output.TABLE,
) -> None:
    """Judge past calls by a document and by the rules in force: what each rule finds, what is new, what is gone."""
    wish = BacktestWish(file, against, since, from_, to, list_ids, words, may_lose, distributed, resume)
    _exit(backtest_file(session_in(region), stack, wish, output))


def _exit(code: Exit) -> None:
    raise typer.Exit(code)
