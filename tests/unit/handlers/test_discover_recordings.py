"""The discovery function's entrance: the events it takes, its answers, metrics and log line."""

from typing import Any

import pytest

from domain.discovery.discover import Run
from domain.errors import (
    AlertsError,
    BudgetSpent,
    KeyForbidden,
    KeyMissing,
    KeyRefused,
    Throttled,
    Unavailable,
    Unusable,
)
from handlers.discover_recordings import DiscoveryWorker
from tests.fakes.clock import NOON_MS
from tests.fakes.outside import FakeMeter

HOUR_MS = 3_600_000


class Context:
    def get_remaining_time_in_millis(self) -> int:
        return 30_000


class FlushedMeter(FakeMeter):
    flushed = 0

    def flush(self) -> None:
        self.flushed += 1


class Discover:
    """Answers with `run`, or raises it. `asked` are the deadlines and the history wanted."""

    def __init__(self, run: Run | Exception) -> None:
        self.run = run
        self.asked: list[tuple[int, int | None]] = []

    def __call__(self, deadline_ms: int, history_ms: int | None = None) -> Run:
        self.asked.append((deadline_ms, history_ms))
        if isinstance(self.run, Exception):
            raise self.run
        return self.run


class Fixture:
    def __init__(self, run: Run | Exception | None = None) -> None:
        self.meter = FlushedMeter()
        self.discover = Discover(run or Run(pages=2))
        self.worker = DiscoveryWorker(self.discover, self.meter, lambda: NOON_MS)  # type: ignore[arg-type]

    def handle(self, event: Any = None) -> dict[str, Any]:
        return self.worker.handle({} if event is None else event, Context())  # type: ignore[arg-type]


@pytest.mark.parametrize("event", [{}, [], "x", {"source": "aws.scheduler", "detail": {}}, {"history_hours": None}])
def test_any_other_event_is_a_run(event: Any) -> None:
    fixture = Fixture()
    assert fixture.handle(event) == {"result": "complete", "reason": "", "pages": 2, "discovered": 0, "missed": 0}
    assert fixture.discover.asked == [(NOON_MS + 30_000, None)]
    assert fixture.meter.total("DiscoveryRuns") == 1


@pytest.mark.parametrize("hours", [1, 48, 87_600])
def test_history_is_asked_for_in_hours(hours: int) -> None:
    fixture = Fixture()
    fixture.handle({"history_hours": hours})
    assert fixture.discover.asked == [(NOON_MS + 30_000, hours * HOUR_MS)]


@pytest.mark.parametrize("hours", [0, -1, 1.5, "48", True, False, [], 87_601, 10**30])
def test_any_other_wish_for_history_is_refused_in_words(hours: Any) -> None:
    fixture = Fixture()
    answer = fixture.handle({"history_hours": hours})
    assert answer["result"] == "refused"
    assert "whole number from 1" in answer["detail"]
    assert fixture.discover.asked == []


def test_recordings_found_are_counted_and_named(caplog: pytest.LogCaptureFixture) -> None:
    fixture = Fixture(Run(pages=3, announced=[1, 2, 3], missed=[2], malformed=2))
    assert fixture.handle() == {"result": "complete", "reason": "", "pages": 3, "discovered": 3, "missed": 1}
    assert fixture.meter.total("RecordingsDiscovered") == 3
    assert fixture.meter.total("RecordingsMissed") == 1
    assert fixture.meter.total("ListItemsMalformed") == 2
    assert logged(caplog) == {"announced_ids": [1, 2, 3], "missed_ids": [2]}


@pytest.mark.parametrize(
    ("error", "reason", "for_an_operator"),
    [
        (KeyMissing("."), "no_api_key", 1),
        (KeyRefused("."), "unauthorized", 1),
        (KeyForbidden("."), "forbidden", 1),
        (Unusable("."), "unusable_results", 1),
        (Throttled("."), "throttled", 0),
        (Unavailable("."), "upstream_down", 0),
        (BudgetSpent("."), "budget", 0),
    ],
)
def test_the_reason_of_stopping_early_is_counted_and_answered(
    error: AlertsError, reason: str, for_an_operator: int
) -> None:
    fixture = Fixture(Run(stopped=error))
    assert (fixture.handle()["result"], fixture.handle()["reason"]) == ("stopped_early", reason)
    assert fixture.meter.total("DiscoveryStoppedEarly", reason=reason) == 2
    assert fixture.meter.total("DiscoveryRefused") == 2 * for_an_operator
    assert fixture.meter.total("DiscoveryBehind") == 0


def test_a_run_that_is_behind_is_counted() -> None:
    fixture = Fixture(Run(stopped=Unavailable("."), behind=True))
    fixture.handle()
    assert fixture.meter.total("DiscoveryBehind") == 1


def test_an_unexpected_error_is_raised_for_lambda_to_retry_and_the_metrics_are_written() -> None:
    fixture = Fixture(ConnectionError("the table is out of reach"))
    with pytest.raises(ConnectionError):
        fixture.handle()
    assert fixture.meter.flushed == 1


def test_a_log_line_stays_readable_however_many_are_found(caplog: pytest.LogCaptureFixture) -> None:
    Fixture(Run(announced=list(range(1, 5_001)))).handle()
    assert logged(caplog) == {"announced_ids": list(range(1, 101))}


def logged(caplog: pytest.LogCaptureFixture) -> dict[str, Any]:
    """The ids in the one line of a run."""
    [record] = caplog.records
    return {name: value for name, value in vars(record).items() if name.endswith("_ids")}
