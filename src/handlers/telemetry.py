"""Metrics as CloudWatch reads them from the log (EMF): gathered during an invocation, written at its end.

Powertools' `Metrics` is not made for several threads nor for several sets of dimensions at once; this gathers for it.
"""

import threading
from collections import defaultdict
from typing import Final

from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

_MAX_VALUES: Final = 100
"""Values of one metric that one EMF line can hold."""

Dimensions = tuple[tuple[str, str], ...]


class EmfMeter:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._gathered: dict[Dimensions, dict[str, list[float]]] = {}

    def add(self, metric: str, value: float = 1, **dimensions: str) -> None:
        """Counts are summed; what ends in `Ms` is kept value by value, for percentiles."""
        with self._lock:
            values = self._gathered.setdefault(tuple(sorted(dimensions.items())), defaultdict(list))[metric]
            if values and (not metric.endswith("Ms") or len(values) >= _MAX_VALUES):
                values[-1] += value
            else:
                values.append(value)

    def flush(self) -> None:
        with self._lock:
            gathered, self._gathered = self._gathered, {}
        for dimensions, metrics in gathered.items():
            line = EphemeralMetrics()
            for name, word in dimensions:
                line.add_dimension(name, word)
            for metric, values in metrics.items():
                unit = MetricUnit.Milliseconds if metric.endswith("Ms") else MetricUnit.Count
                for value in values:
                    line.add_metric(metric, unit, value)
            line.flush_metrics()
