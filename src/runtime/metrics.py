"""Metrics as CloudWatch reads them from the log (EMF): gathered, and written at the end of an invocation.

Powertools' `Metrics` is not made for several threads nor for several sets of dimensions at once; this gathers for it.
"""

import threading
from collections import defaultdict
from collections.abc import Iterator
from typing import Any, Final

from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

_MAX_VALUES: Final = 100
"""Values of one metric that an EMF line can hold."""

Dimensions = tuple[tuple[str, str], ...]


class EmfMeter:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._gathered: dict[Dimensions, dict[str, list[float]]] = {}

    def add(self, metric: str, value: float = 1, **dimensions: str) -> None:
        """Counts are summed; what ends in `Ms` is kept value by value, for percentiles."""
        with self._lock:
            values = self._gathered.setdefault(tuple(sorted(dimensions.items())), defaultdict(list))[metric]
            if values and not metric.endswith("Ms"):
                values[-1] += value
            else:
                values.append(value)

    def flush(self) -> None:
        with self._lock:
            gathered, self._gathered = self._gathered, {}
        for dimensions, metrics in gathered.items():
            for part in _lines(metrics):
                EphemeralMetrics(metric_set=part, dimension_set=dict(dimensions)).flush_metrics()


def _lines(metrics: dict[str, list[float]]) -> Iterator[dict[str, Any]]:
    """What each EMF line takes, in the shape in which Powertools gathers: adding value by value, it checks each."""
    for first in range(0, max(map(len, metrics.values())), _MAX_VALUES):
        yield {
            metric: {
                "Unit": MetricUnit.Milliseconds.value if metric.endswith("Ms") else MetricUnit.Count.value,
                "Value": [float(value) for value in values[first : first + _MAX_VALUES]],
            }
            for metric, values in metrics.items()
            if len(values) > first
        }
