"""`ica rules backtest`: what a document would have found in past calls, beside what the rules in force find."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path

import boto3

from cli.console import out
from cli.errors import CommandError, Exit
from cli.options import Output
from cli.period import period
from cli.rules.backtest_distributed import DistributedBacktests
from cli.rules.backtest_here import judge_here
from cli.rules.backtest_report import Report
from cli.rules.backtest_view import show_json, show_table
from cli.rules.backtest_warnings import warn
from cli.rules.document import read_document
from cli.rules.stored import StoredInvalid, read_stored, rules_of
from cli.stack import Stack, require_stack
from domain.rules.document import RuleSet


@dataclass(frozen=True)
class Wish:
    """What the command line says. `may_lose`: confirmed violations that may be lost. `resume`: a backtest's id."""

    file: Path | None
    against: Path | None
    since: str | None
    from_: str | None
    to: str | None
    list_ids: bool
    words: bool
    may_lose: int
    distributed: bool
    resume: str | None


def backtest(session: boto3.Session, stack_name: str, wish: Wish, output: Output) -> Exit:
    """Compare and show. Raises `CommandError` and botocore's errors; changes no rules and no outcome."""
    if (wish.distributed or wish.resume) and (wish.list_ids or wish.words):
        raise CommandError("A distributed backtest only counts. --list and --words need a backtest on this machine.")
    stack, report = _resumed(session, stack_name, wish) if wish.resume else _compared(session, stack_name, wish)
    if output is Output.JSON:
        show_json(report)
    else:
        show_table(report, out)
    warn(report, stack.name)
    return Exit.FINDINGS if report.loses_too_much else Exit.FINE


def _resumed(session: boto3.Session, stack_name: str, wish: Wish) -> tuple[Stack, Report]:
    if wish.file or wish.against or wish.since or wish.from_ or wish.to:
        raise CommandError("--resume goes on as the backtest was started: leave out FILE, --against and the period.")
    stack = require_stack(session, stack_name)
    return stack, DistributedBacktests(session, stack).finish(str(wish.resume), wish.may_lose)


def _compared(session: boto3.Session, stack_name: str, wish: Wish) -> tuple[Stack, Report]:
    if wish.file is None:
        raise CommandError("Give the rules document to judge by: ica rules backtest FILE.")
    asked = period(wish.since, wish.from_, wish.to, round(time.time() * 1000))
    now = read_document(wish.file).rules
    against = read_document(wish.against).rules if wish.against else None
    stack = require_stack(session, stack_name)
    before = against or _in_force(session, stack)
    if wish.distributed:
        backtests = DistributedBacktests(session, stack)
        return stack, backtests.finish(backtests.create(now, before, asked), wish.may_lose)
    report = judge_here(session, stack, now, before, asked, list_ids=wish.list_ids, words=wish.words)
    return stack, replace(report, may_lose=wish.may_lose)


def _in_force(session: boto3.Session, stack: Stack) -> RuleSet:
    try:
        return rules_of(stack, read_stored(session, stack))
    except StoredInvalid as invalid:
        raise CommandError(f"{invalid}\n--against FILE compares with a file instead.") from None
