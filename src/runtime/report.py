"""Log lines and metrics of deferrals and dead letters, the same for both queues."""

from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools import Logger

from domain.errors import OPERATOR_NEEDED
from domain.ports import Clock, Meter
from domain.retry import DeadLettered, Deferred, over_an_hour

logger = Logger()


class Reporter:
    """Reports under one queue's metric names.

    `about` are ids for the log, never spoken words. `dimensions` are added to the reason, the dimension of both
    metrics.
    """

    def __init__(self, meter: Meter, now_ms: Clock, deferrals: str, dead_letters: str) -> None:
        self._meter = meter
        self._now_ms = now_ms
        self._deferrals = deferrals
        self._dead_letters = dead_letters

    def deferred(self, deferral: Deferred, about: Mapping[str, Any], **dimensions: str) -> None:
        reason, detail = deferral.reason, deferral.message
        self._meter.add(self._deferrals, 1, reason=reason, **dimensions)
        if reason in OPERATOR_NEEDED:
            self._meter.add("OperatorNeeded")
        if over_an_hour(deferral.history, self._now_ms()):
            self._meter.add("DeferredOverAnHour")
        logger.info("deferred", reason=reason, delay_s=deferral.delay_s, detail=detail, **{**dimensions, **about})

    def dead_lettered(self, letter: DeadLettered, about: Mapping[str, Any], **dimensions: str) -> None:
        self._meter.add(self._dead_letters, 1, reason=letter.reason, **dimensions)
        logger.warning("dead_lettered", reason=letter.reason, detail=letter.message, **{**dimensions, **about})
