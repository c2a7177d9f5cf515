"""Lambda entrance: one segment of a distributed backtest. A state machine calls it for each.

`{"backtest": "20261125-183000-a1b2c3", "segment": 12}`: judge the calls of that segment by both documents of that
backtest, and store the counts. `ica rules backtest --distributed` stores the backtest, and adds the segments up.
"""

from contextlib import closing
from functools import cache, partial
from typing import Annotated, Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.config import Config
from pydantic import BaseModel, Field

from adapters.dynamodb.backtest_table import BacktestTable
from adapters.dynamodb.outcomes_by_day import OutcomesByDay
from adapters.dynamodb.past_calls import PastCalls
from domain.backtest.backtest import Backtest
from runtime.local_stack import require_local_stack
from runtime.outside import Outside
from runtime.settings import BacktestSettings

# It has minutes, and reads as fast as the table lets it: a throttled read is tried again.
_AWS = Config(connect_timeout=2, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 8})

logger = Logger()


def lambda_handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    return worker().handle(event)


@cache
def worker() -> "BacktestWorker":
    """Built at the first invocation and kept. Raises `ValidationError` naming each setting that is missing or wrong."""
    settings = BacktestSettings.from_environment()
    require_local_stack(settings.aws_endpoint_url)
    return build(settings, Outside(_AWS))


def build(settings: BacktestSettings, outside: Outside) -> "BacktestWorker":
    """Put the worker together."""
    dynamodb, table = outside.dynamodb, settings.outcome_table_name
    return BacktestWorker(BacktestTable(dynamodb, table, outside.now_ms), OutcomesByDay(dynamodb, table))


class _Segment(BaseModel):
    backtest: str
    segment: Annotated[int, Field(ge=0)]


class BacktestWorker:
    """What the function does."""

    def __init__(self, backtests: BacktestTable, outcomes: OutcomesByDay) -> None:
        self._backtests = backtests
        self._outcomes = outcomes

    def handle(self, event: dict[str, Any]) -> dict[str, Any]:
        """Judge one segment. What it raises, the state machine tries again, and then reports."""
        asked = _Segment.model_validate(event)
        stored = self._backtests.read(asked.backtest)
        if asked.segment >= stored.segments:
            raise ValueError(f"Backtest {asked.backtest} has {stored.segments} segments; no {asked.segment}.")
        verdicts = partial(self._outcomes.verdicts_of, from_at=stored.period.from_at) if stored.answered else None
        trial = Backtest(stored.now, stored.before, verdicts=verdicts)
        with closing(PastCalls(self._outcomes, stored.period.segment(asked.segment, stored.segments))) as past:
            for outcome in past():
                trial.take(outcome)
        self._backtests.put_segment(asked.backtest, asked.segment, trial.judged)
        logger.info("judged_past_calls", **asked.model_dump(), outcomes=trial.tally.outcomes)
        return {}  # the state machine keeps what is returned
