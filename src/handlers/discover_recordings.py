"""Lambda entrance: one run of discovery, by its schedule or by an operator.

`{}` is a run. `{"history_hours": 48}` asks for recordings of the last 48 hours too, also from before the first start.
A run that lacks time or requests leaves the rest to the next ones.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from adapters.batching import BatchThreads
from adapters.dynamodb.discovery_table import DynamoDiscoveryMemory
from adapters.dynamodb.request_budget import SharedRequestBudget
from adapters.event_queue import EventQueue
from adapters.identitycall.client import API_KEY, IdentityCallApi
from adapters.identitycall.recording_list import RecordingListApi
from domain.discovery.discover import DiscoverRecordings, Run
from domain.errors import KeyForbidden, KeyMissing, KeyRefused, Unusable
from domain.ports import Clock
from runtime.local_stack import require_local_stack
from runtime.metrics import EmfMeter
from runtime.outside import Outside
from runtime.settings import DiscoverySettings

logger = Logger()

_LONGEST_HISTORY_HOURS = 10 * 365 * 24
_HOUR_MS = 3_600_000
_IDS_LOGGED = 100


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return worker().handle(event, context)


@cache
def worker() -> "DiscoveryWorker":
    """Built at the first invocation and kept. Raises `ValidationError` naming each setting that is missing or wrong."""
    settings = DiscoverySettings.from_environment()
    require_local_stack(settings.aws_endpoint_url)
    return build(settings, Outside())


def build(settings: DiscoverySettings, outside: Outside) -> "DiscoveryWorker":
    """Put the worker together."""
    dynamodb, table, now_ms = outside.dynamodb, settings.outcome_table_name, outside.now_ms
    lookback_ms = settings.discovery_lookback_hours * _HOUR_MS
    meter = outside.meter()
    stored = outside.parameters(settings.parameter_prefix, API_KEY)
    api = IdentityCallApi(settings.identitycall_base_url, stored, meter, now_ms, outside.monotonic)
    limit = settings.requests_per_minute
    discover = DiscoverRecordings(
        recordings=RecordingListApi(api),
        memory=DynamoDiscoveryMemory(dynamodb, table, lookback_ms, now_ms),
        queue=EventQueue(outside.sqs, settings.event_queue_url),
        budget=SharedRequestBudget(dynamodb, table, limit, meter, now_ms, BatchThreads(1), outside.sleep),
        now_ms=now_ms,
        lookback_ms=lookback_ms,
    )
    return DiscoveryWorker(discover, meter, now_ms)


class DiscoveryWorker:
    """What the function does."""

    def __init__(self, discover: DiscoverRecordings, meter: EmfMeter, now_ms: Clock) -> None:
        self._discover = discover
        self._meter = meter
        self._now_ms = now_ms

    def handle(self, event: Any, context: LambdaContext) -> dict[str, Any]:
        """One run. Returns a summary for an operator."""
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
        self._meter.add("ListItemsMalformed", run.malformed)
        about = _answer(run) | {"malformed": run.malformed}
        for found in ("announced", "missed"):
            if ids := getattr(run, found):
                about[f"{found}_ids"] = ids[:_IDS_LOGGED]
        if run.stopped:
            self._meter.add("DiscoveryStoppedEarly", reason=run.stopped.reason)
            if isinstance(run.stopped, KeyMissing | KeyRefused | KeyForbidden | Unusable):
                self._meter.add("DiscoveryRefused")  # It lasts until an operator acts.
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
