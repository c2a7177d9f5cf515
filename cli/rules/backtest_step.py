"""The step of `ica rules push` that judges past calls by the new rules, before they are stored."""

from __future__ import annotations

import time

import boto3

from cli import period
from cli.console import err, say
from cli.rules.backtest import compare, warn
from cli.rules.backtest_view import show_table
from cli.stack import Stack
from domain.rules.document import RuleSet


def backtest_before_push(session: boto3.Session, stack: Stack, before: RuleSet | None, after: RuleSet) -> bool:
    """Show on standard error what the new rules find in the calls of the last 30 days.

    False if confirmed violations would be lost. `before` are the rules in force, `None` where the stored document is
    refused. Raises `CommandError`, and botocore's errors.
    """
    if before is None:
        say("Past calls are not compared: there are no rules in force.")
        return True
    asked = period.period(None, None, None, round(time.time() * 1000))
    report = compare(session, stack, after, before, asked)
    if report.backtest.tally.outcomes:
        show_table(report, err)
    warn(report, stack)
    return not report.loses_too_much
