"""Metrics as EMF lines: one a set of dimensions, counts summed, durations kept one by one, written once."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from runtime.metrics import EmfMeter


@pytest.fixture
def meter() -> EmfMeter:
    return EmfMeter()


def flushed(meter: EmfMeter, capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    meter.flush()
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_counts_are_summed_in_one_line(meter: EmfMeter, capsys: pytest.CaptureFixture[str]) -> None:
    meter.add("RecordingsReceived", 10)
    meter.add("RecordingsEvaluated")
    meter.add("RecordingsEvaluated")
    [line] = flushed(meter, capsys)
    assert (line["RecordingsReceived"], line["RecordingsEvaluated"]) == ([10.0], [2.0])
    [directive] = line["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == "IdentityCallAlerts"
    assert directive["Dimensions"] == [["service"]]
    assert {metric["Unit"] for metric in directive["Metrics"]} == {"Count"}


def test_each_set_of_dimensions_has_its_line(meter: EmfMeter, capsys: pytest.CaptureFixture[str]) -> None:
    meter.add("RecordingsDeferred", reason="throttled")
    meter.add("RecordingsDeferred", reason="budget")
    meter.add("RecordingsDeferred", reason="throttled")
    lines = flushed(meter, capsys)
    assert {line["reason"]: line["RecordingsDeferred"] for line in lines} == {"throttled": [2.0], "budget": [1.0]}
    for line in lines:
        [dimensions] = line["_aws"]["CloudWatchMetrics"][0]["Dimensions"]
        assert sorted(dimensions) == ["reason", "service"]


def test_durations_are_kept_one_by_one_for_percentiles(meter: EmfMeter, capsys: pytest.CaptureFixture[str]) -> None:
    for ms in (5, 0, 700):
        meter.add("EventToAlertMs", ms)
    [line] = flushed(meter, capsys)
    assert line["EventToAlertMs"] == [5.0, 0.0, 700.0]
    assert line["_aws"]["CloudWatchMetrics"][0]["Metrics"][0]["Unit"] == "Milliseconds"


@pytest.mark.parametrize("number", [99, 100, 101, 250])
def test_no_duration_is_lost_or_made_up_when_there_are_many(
    meter: EmfMeter, capsys: pytest.CaptureFixture[str], number: int
) -> None:
    meter.add("RecordingsReceived", 3)
    for ms in range(number):
        meter.add("ApiBudgetWaitMs", ms)
    lines = flushed(meter, capsys)
    assert [ms for line in lines for ms in line.get("ApiBudgetWaitMs", [])] == list(range(number))
    assert all(len(line.get("ApiBudgetWaitMs", [])) <= 100 for line in lines)
    assert sum(sum(line.get("RecordingsReceived", [])) for line in lines) == 3


def test_nothing_is_written_twice_or_without_cause(meter: EmfMeter, capsys: pytest.CaptureFixture[str]) -> None:
    assert flushed(meter, capsys) == []
    meter.add("AlertsPublished")
    assert len(flushed(meter, capsys)) == 1
    assert flushed(meter, capsys) == []


def test_threads_lose_no_count(meter: EmfMeter, capsys: pytest.CaptureFixture[str]) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: meter.add("ApiRequests", status="200"), range(2_000)))
    assert flushed(meter, capsys)[0]["ApiRequests"] == [2_000.0]
