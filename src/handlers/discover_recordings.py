"""Lambda entrance: one run of discovery, by its schedule or by an operator.

`{}` is a run; `{"history_hours": 48}` asks for recordings of so long ago as well, also from before the first start.
What a run leaves, for want of time or requests, the next ones go on with.
"""

from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from domain.discover_recordings import DiscoverRecordings, Run
from domain.errors import KeyForbidden, KeyMissing, KeyRefused, Unusable
from domain.ports import Clock
from handlers import wiring
from handlers.telemetry import EmfMeter

logger = Logger()

_LONGEST_HISTORY_HOURS = 10 * 365 * 24
_HOUR_MS = 3_600_000
_IDS_LOGGED = 100


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return wiring.discovery_worker().handle(event, context)


class DiscoveryWorker:
    """What the function does, with everything it uses handed in."""

    def __init__(self, discover: DiscoverRecordings, meter: EmfMeter, now_ms: Clock) -> None:
        self._discover = discover
        self._meter = meter
        self._now_ms = now_ms

    def handle(self, event: Any, context: LambdaContext) -> dict[str, Any]:
        """One run; the answer tells an operator what came of it."""
        deadline_ms = self._now_ms() + context.get_remaining_time_in_millis()
        hours = event.get("history_hours") if isinstance(event, Mapping) else None
        if hours is not None and not (type(hours) is int and 1 <= hours <= _LONGEST_HISTORY_HOURS):
            detail = f"history_hours must be a whole number from 1 to {_LONGEST_HISTORY_HOURS}"
            logger.warning("refused", detail=detail)
            return {"result": "refused", "detail": detail}
        try:
            run = self._discover(deadline_ms, None if hours is None else hours * _HOUR_MS)
            self._report(run)
        finally:
            self._meter.flush()
        return _answer(run)

    def _report(self, run: Run) -> None:
        """Metrics, and one log line a run: ids and counts only."""
        self._meter.add("DiscoveryRuns")
        self._meter.add("RecordingsDiscovered", len(run.announced))
        self._meter.add("RecordingsMissed", len(run.missed))
        self._meter.add("ListItemsMalformed", len(run.malformed))
        about = _answer(run)
        for found in ("announced", "missed", "malformed"):
            if ids := getattr(run, found):
                about[f"{found}_ids"] = ids[:_IDS_LOGGED]
        if run.stopped:
            self._meter.add("DiscoveryStoppedEarly", reason=run.stopped.reason)
            if isinstance(run.stopped, KeyMissing | KeyRefused | KeyForbidden | Unusable):
                self._meter.add("DiscoveryRefused")  # An operator's to mend: it does not pass by itself.
            about["detail"] = str(run.stopped)
        if run.behind:
            self._meter.add("DiscoveryBehind")
        logger.info("discovered", superseded=run.superseded, **about)


def _answer(run: Run) -> dict[str, Any]:
    return {
        "result": "stopped_early" if run.stopped else "complete",
        "reason": run.stopped.reason if run.stopped else "",
        "pages": run.pages,
        "discovered": len(run.announced),
        "missed": len(run.missed),
    }
