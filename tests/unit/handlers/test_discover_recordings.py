"""The discovery function's entrance: the events it takes, its answers, metrics and log line."""

from typing import Any

import pytest

from domain.discovery.discover import Run
from domain.errors import AlertsError, BudgetSpent, KeyForbidden, KeyMissing, KeyRefused, Unavailable, Unusable
from handlers.discover_recordings import DiscoveryWorker
from tests.fakes.clock import NOON_MS
from tests.fakes.outside import FakeMeter

HOUR_MS = 3_600_000


class Context:
    def get_remaining_time_in_millis(self) -> int:
        return 30_000


class Discovery:
    """The function around a use case that answers with `run`, or raises it. `asked`: deadlines and history wanted."""

    def __init__(self, run: Run | Exception) -> None:
        self.asked: list[tuple[int, int | None]] = []
        self.meter = FakeMeter()
        self._run = run

    def __call__(self, deadline_ms: int, history_ms: int | None = None) -> Run:
        self.asked.append((deadline_ms, history_ms))
        if isinstance(self._run, Exception):
            raise self._run
        return self._run

    def handle(self, event: Any) -> dict[str, Any]:
        return DiscoveryWorker(self, self.meter, lambda: NOON_MS).handle(event, Context())  # type: ignore[arg-type]


@pytest.mark.parametrize("event", [{}, [], "x", {"source": "aws.scheduler", "detail": {}}, {"history_hours": None}])
def test_any_other_event_is_a_run(event: Any) -> None:
    discovery = Discovery(Run(pages=2))
    assert discovery.handle(event) == {"result": "complete", "reason": "", "pages": 2, "discovered": 0, "missed": 0}
    assert discovery.asked == [(NOON_MS + 30_000, None)]
    assert discovery.meter.total("DiscoveryRuns") == 1


@pytest.mark.parametrize("hours", [1, 48, 87_600])
def test_history_is_asked_for_in_hours(hours: int) -> None:
    discovery = Discovery(Run())
    discovery.handle({"history_hours": hours})
    assert discovery.asked == [(NOON_MS + 30_000, hours * HOUR_MS)]


@pytest.mark.parametrize("hours", [0, -1, 1.5, "48", True, False, [], 87_601, 10**30])
def test_any_other_wish_for_history_is_refused_in_words(hours: Any) -> None:
    discovery = Discovery(Run())
    answer = discovery.handle({"history_hours": hours})
    assert answer["result"] == "refused"
    assert "whole number from 1" in answer["detail"]
    assert discovery.asked == []


def test_recordings_found_are_counted_and_the_first_hundred_named(caplog: pytest.LogCaptureFixture) -> None:
    discovery = Discovery(Run(pages=3, announced=[*range(1, 5_001)], missed=[2], malformed=2))
    answer = {"result": "complete", "reason": "", "pages": 3, "discovered": 5_000, "missed": 1}
    assert discovery.handle({}) == answer
    assert discovery.meter.total("RecordingsDiscovered") == 5_000
    assert discovery.meter.total("RecordingsMissed") == 1
    assert discovery.meter.total("ListItemsMalformed") == 2
    [record] = caplog.records
    ids = {name: value for name, value in vars(record).items() if name.endswith("_ids")}
    assert ids == {"announced_ids": [*range(1, 101)], "missed_ids": [2]}


@pytest.mark.parametrize(
    ("error", "for_an_operator"),
    [
        *((kind("."), 1) for kind in (KeyMissing, KeyRefused, KeyForbidden, Unusable)),
        *((kind("."), 0) for kind in (Unavailable, BudgetSpent)),
    ],
)
@pytest.mark.parametrize("behind", [False, True])
def test_the_reason_of_stopping_early_is_counted_and_answered(
    error: AlertsError, for_an_operator: int, behind: bool
) -> None:
    discovery = Discovery(Run(stopped=error, behind=behind))
    answer = discovery.handle({})
    assert (answer["result"], answer["reason"]) == ("stopped_early", error.reason)
    assert discovery.meter.total("DiscoveryStoppedEarly", reason=error.reason) == 1
    assert discovery.meter.total("DiscoveryRefused") == for_an_operator
    assert discovery.meter.total("DiscoveryBehind") == behind


def test_an_unexpected_error_is_raised_for_lambda_to_retry_and_the_metrics_are_written() -> None:
    discovery = Discovery(ConnectionError("the table is out of reach"))
    with pytest.raises(ConnectionError):
        discovery.handle({})
    assert discovery.meter.flushed == 1
