"""A backtest that is done, as it is shown."""

from __future__ import annotations

from dataclasses import dataclass, field

from domain import wording
from domain.backtest.backtest import Backtest
from domain.backtest.period import Period


@dataclass(frozen=True)
class Report:
    """`words`: lines on single calls, by rule, where they were asked for. `may_lose`: confirmed violations.

    `unindexed`: of a sample of the table, its outcomes, and how many of them the index lacks.
    """

    backtest: Backtest
    period: Period
    unindexed: tuple[int, int]
    may_lose: int = 0
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
