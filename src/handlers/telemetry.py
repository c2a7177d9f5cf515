"""Metrics as CloudWatch reads them from the log (EMF): gathered during an invocation, written at its end.

Powertools' `Metrics` is not made for several threads nor for several sets of dimensions at once; this gathers for it.
"""

import threading
from collections import defaultdict

from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

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
            line = EphemeralMetrics()
            for name, word in dimensions:
                line.add_dimension(name, word)
            for metric, values in metrics.items():
                unit = MetricUnit.Milliseconds if metric.endswith("Ms") else MetricUnit.Count
                for value in values:
                    line.add_metric(metric, unit, value)
            if line.metric_set:  # empty where the last value was the 100th: a full line writes itself
                line.flush_metrics()
