"""A backtest in this process: outcomes are read in threads while others are judged."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Final

import boto3
from botocore.exceptions import ClientError

from adapters.dynamodb.outcomes_by_day import OutcomesByDay
from adapters.dynamodb.past_calls import PastCalls
from cli.console import progress_bar
from cli.errors import CommandError, Exit
from cli.rules.backtest_report import Report
from cli.stack import AWS, Stack
from domain import wording
from domain.backtest.backtest import Backtest
from domain.backtest.period import Period
from domain.rules.document import RuleSet
from domain.rules.violation import Violation

_QUOTED: Final = 100
"""The most calls of a rule whose words are kept."""
_NO_INDEX: Final = "This stack's table has no index by day yet: it is an older deployment. Deploy this release first."


def judge_here(
    session: boto3.Session,
    stack: Stack,
    now: RuleSet,
    before: RuleSet,
    asked: Period,
    *,
    list_ids: bool = False,
    words: bool = False,
) -> Report:
    """Judge the stack's outcomes of a period by two documents. Raises `CommandError` and botocore's errors."""
    quotes: dict[str, list[str]] = defaultdict(list)

    def quote(rule_id: str, new: bool, recording: int, violations: tuple[Violation, ...]) -> None:
        if len(quotes[rule_id]) < _QUOTED:
            quotes[rule_id] += [_quoted(new, recording, each) for each in violations]

    table = OutcomesByDay(session.client("dynamodb", config=AWS), stack.outputs["OutcomeTableName"])
    with _explained(), closing(PastCalls(table, asked)) as past, progress_bar("Judging past calls", "days") as told:
        given = past.verdicts(wording.iso(round(time.time() * 1000)))
        trial = Backtest(
            now,
            before,
            verdicts=(lambda recording: given.get(str(recording), {})) if given else None,
            keep_ids=list_ids,
            told=quote if words else None,
        )
        for stored in past(told):
            trial.take(stored)
        return Report(trial, asked, table.sample(), lists_ids=list_ids, words=dict(quotes))


def _quoted(new: bool, recording: int, violation: Violation) -> str:
    quote = f" — “{violation.finding.quote}”" if violation.finding.quote else ""
    return f"{'new' if new else 'gone'} {recording}: {wording.clean(violation.summary + quote)}"


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        if "specified index" in str(error) or "index: by_day" in str(error):
            raise CommandError(_NO_INDEX, Exit.UNREACHABLE) from None
        raise
    except TimeoutError:
        raise CommandError("DynamoDB keeps leaving reads undone; try again later.", Exit.UNREACHABLE) from None
