"""The step of `ica rules push` that judges past calls by the new rules, before they are stored."""

from __future__ import annotations

import boto3

from cli.stack import Stack
from domain.rules.document import RuleSet


def backtest_before_push(
    session: boto3.Session,  # noqa: ARG001 - the backtest reads the outcomes with it
    stack: Stack,  # noqa: ARG001
    before: RuleSet | None,  # noqa: ARG001
    after: RuleSet,  # noqa: ARG001
) -> bool:
    """Show on standard error what the new rules find in past calls. False if confirmed violations would be lost.

    `before` are the rules in force, `None` where the stored document is refused. Raises `CommandError`.
    There is no backtest yet, so every document passes.
    """
    return True
