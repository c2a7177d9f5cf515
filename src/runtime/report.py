"""Log lines and metrics of deferrals and dead letters, the same for both queues."""

from typing import Any

from aws_lambda_powertools import Logger

from domain.ports import Clock, Meter
from domain.retry import DeadLettered, Deferred, over_an_hour

logger = Logger()


class Reporter:
    """Reports under one queue's metric names. `dimensions` are added to the reason, the dimension of both metrics."""

    def __init__(self, meter: Meter, now_ms: Clock, deferrals: str, dead_letters: str, **dimensions: str) -> None:
        self._meter = meter
        self._now_ms = now_ms
        self._deferrals = deferrals
        self._dead_letters = dead_letters
        self._dimensions = dimensions

    def deferred(self, deferral: Deferred, **about: Any) -> None:
        """Report a deferral. `about`: ids for the log, never spoken words."""
        self._meter.add(self._deferrals, 1, reason=deferral.reason, **self._dimensions)
        if over_an_hour(deferral.history, self._now_ms()):
            self._meter.add("DeferredOverAnHour")
        logger.info("deferred", reason=deferral.reason, delay_s=deferral.delay_s, detail=deferral.message, **about)

    def dead_lettered(self, letter: DeadLettered, **about: Any) -> None:
        """Report a dead letter. `about`: ids for the log, never spoken words."""
        self._meter.add(self._dead_letters, 1, reason=letter.reason, **self._dimensions)
        logger.warning("dead_lettered", reason=letter.reason, detail=letter.message, **about)
