"""`ica rules backtest`: what a document would have found in past calls, beside what the rules in force find."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import boto3
from botocore.config import Config
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from adapters.dynamodb.outcomes_by_day import OutcomesByDay
from cli.console import err, out
from cli.errors import CommandError, Exit
from cli.options import Output
from cli.period import Period, period
from cli.rules.backtest_view import show_json, show_table
from cli.rules.backtest_warnings import warn
from cli.rules.document import read_document
from cli.rules.past_calls import PastCalls
from cli.rules.past_calls import Progress as Told
from cli.rules.stored import StoredInvalid, read_stored, rules_of
from cli.stack import Stack, require_stack
from domain import wording
from domain.backtest.backtest import NO_VERDICTS, Backtest
from domain.backtest.stored import NotJudged
from domain.rules.document import RuleSet
from domain.rules.violation import Violation

_QUOTED: Final = 100
"""The most calls of a rule whose words are kept."""
_AWS: Final = Config(connect_timeout=5, read_timeout=20, retries={"mode": "standard", "total_max_attempts": 8})


@dataclass(frozen=True)
class Wish:
    """What the command line says. `may_lose`: how many confirmed violations may be lost."""

    file: Path
    against: Path | None
    since: str | None
    from_: str | None
    to: str | None
    list_ids: bool
    words: bool
    may_lose: int


@dataclass(frozen=True)
class Report:
    """A backtest that is done. `words`: lines on single calls, by rule, where they were asked for.

    `unindexed`: of a sample of the table, its outcomes, and how many of them the index lacks.
    """

    backtest: Backtest
    period: Period
    may_lose: int = 0
    unindexed: tuple[int, int] = (0, 0)
    lists_ids: bool = False
    words: dict[str, list[str]] = field(default_factory=dict)

    @property
    def loses_too_much(self) -> bool:
        return self.backtest.tally.confirmed_lost > self.may_lose

    @property
    def days(self) -> float:
        """The length of the period, from the first outcome on; a day at least."""
        first_at = self.backtest.tally.first_at
        from_ms = max(self.period.from_ms, wording.epoch_ms(first_at)) if first_at else self.period.from_ms
        return max(1.0, (self.period.to_ms - from_ms) / 86_400_000)


def backtest(session: boto3.Session, stack_name: str, wish: Wish, output: Output) -> Exit:
    """Compare and show. Raises `CommandError` and botocore's errors; writes nothing."""
    now_ms = round(time.time() * 1000)
    asked = period(wish.since, wish.from_, wish.to, now_ms)
    now = read_document(wish.file).rules
    against = read_document(wish.against).rules if wish.against else None
    stack = require_stack(session, stack_name)
    report = compare(session, stack, now, against or _in_force(session, stack), asked, wish)
    if output is Output.JSON:
        show_json(report)
    else:
        show_table(report, out)
    warn(report, stack)
    return Exit.FINDINGS if report.loses_too_much else Exit.FINE


def _in_force(session: boto3.Session, stack: Stack) -> RuleSet:
    try:
        return rules_of(stack, read_stored(session, stack))
    except StoredInvalid as invalid:
        raise CommandError(f"{invalid}\n--against FILE compares with a file instead.") from None


def compare(
    session: boto3.Session, stack: Stack, now: RuleSet, before: RuleSet, asked: Period, wish: Wish | None = None
) -> Report:
    """Judge the stack's outcomes of a period by two documents. Raises `CommandError` and botocore's errors."""
    words: dict[str, list[str]] = defaultdict(list)

    def quote(rule_id: str, new: bool, recording: int, violations: tuple[Violation, ...]) -> None:
        if len(words[rule_id]) < _QUOTED:
            words[rule_id] += [_quoted(new, recording, each) for each in violations]

    lists_ids = bool(wish and wish.list_ids)
    trial = Backtest(now, before, keep_ids=lists_ids, told=quote if wish and wish.words else None)
    table = OutcomesByDay(session.client("dynamodb", config=_AWS), stack.outputs["OutcomeTableName"])
    with closing(PastCalls(table, asked)) as past, _bar() as told:
        verdicts = past.verdicts(wording.iso(round(time.time() * 1000)))
        for stored in past(told):
            if isinstance(stored, NotJudged):
                trial.skip(stored)
            else:
                trial.add(stored, verdicts.get(str(stored.recording), NO_VERDICTS))
        sample = table.sample()
    return Report(trial, asked, wish.may_lose if wish else 0, sample, lists_ids, dict(words))


def _quoted(new: bool, recording: int, violation: Violation) -> str:
    quote = f" — “{violation.finding.quote}”" if violation.finding.quote else ""
    return f"{'new' if new else 'gone'} {recording}: {wording.clean(violation.summary + quote)}"


@contextmanager
def _bar() -> Iterator[Told]:
    """A bar on standard error, where that is a terminal."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed} of {task.total} days"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as bars:
        bar = bars.add_task("Judging past calls", total=None)
        yield lambda done, days: bars.update(bar, completed=done, total=days)
