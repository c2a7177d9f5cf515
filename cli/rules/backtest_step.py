"""The step of `ica rules push` that judges past calls by the new rules, before they are stored."""

from __future__ import annotations

import time
from typing import Final

import boto3

from cli.console import err
from cli.period import DEFAULT, period
from cli.rules.backtest_here import judge_here
from cli.rules.backtest_view import show_table
from cli.rules.backtest_warnings import warn
from cli.stack import Stack
from domain.rules.document import RuleSet

_NOTHING: Final = RuleSet(version=1, rules=())


def backtest_before_push(session: boto3.Session, stack: Stack, before: RuleSet | None, after: RuleSet) -> bool:
    """Show on standard error what the new rules find in past calls. False if confirmed violations would be lost.

    `before` are the rules in force, `None` where the stored document is refused. Raises `CommandError`.
    """
    asked = period(DEFAULT, None, None, round(time.time() * 1000))
    report = judge_here(session, stack, after, before or _NOTHING, asked)
    if report.backtest.tally.outcomes:
        show_table(report, err)
    warn(report, stack.name)
    return not report.loses_too_much
