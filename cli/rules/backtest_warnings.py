"""What a backtest says beside its counts, on standard error."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cli.console import say
from domain import wording

if TYPE_CHECKING:
    from cli.rules.backtest_report import Report


def warn(report: Report, stack: str) -> None:
    """Nothing was found; outcomes are not in the index; too much would be lost."""
    looked_at, lacking = report.unindexed
    if not report.backtest.tally.outcomes:
        span = f"{wording.moment(report.period.from_at)} and {wording.moment(report.period.to_at)}"
        say(f"{stack} has no outcome between {span} in its index: there is nothing to compare.")
    if lacking:
        say(
            f"Older outcomes are not in the index: {lacking} of {looked_at} looked at. "
            f"`ica outcomes reindex --stack {stack}` adds them."
        )
    if report.loses_too_much:
        lost = wording.counted(report.backtest.tally.confirmed_lost, "confirmed violation", "confirmed violations")
        say(f"{lost} would be lost; {report.may_lose} may be (--may-lose).")
