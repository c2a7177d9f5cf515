"""How long a batch of clear recordings takes where the vendor's API answers after one second."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median
from typing import Any

from rich.console import Console

from benchmarks import view
from benchmarks.child import Progress, measured
from benchmarks.view import Verdict
from benchmarks.world import BATCH, CLEAR, Context, running_world, sqs_event
from local.http_stub import Fault

API_LATENCY_S = 1.0
BATCHES = 10
TARGET = 1.25


def inside(progress: Progress) -> Any:
    """Median wall time of a warm batch, in API latencies. The reference takes one batch only: it is slow."""
    from benchmarks import ours, reference

    ours.evaluate(CLEAR, BATCH)
    walls = []
    for number in range(BATCHES):
        walls.append(_wall(lambda: ours.evaluate(CLEAR, BATCH)))
        progress((number + 1) / (2 * BATCHES))
    wall = _wall(lambda: reference.lambda_handler(sqs_event(CLEAR), Context()))
    return {
        "ours": median(walls) / API_LATENCY_S,
        "slowest": max(walls) / API_LATENCY_S,
        "reference": wall / API_LATENCY_S,
    }


def _wall(work: Callable[[], object]) -> float:
    before = time.perf_counter()
    work()
    return time.perf_counter() - before


def show(console: Console) -> list[Verdict]:
    with view.progress(console, "A batch at 1 s API latency") as progress, running_world() as world:
        world.vendor.set_fault(Fault(delay_seconds=API_LATENCY_S))
        found = measured("latency", world.environment, progress)
    table = view.table("", "wall ÷ 1 s")
    table.add_row("ours, median", f"{found['ours']:.2f}", style="bold")
    table.add_row("ours, slowest", f"{found['slowest']:.2f}")
    table.add_row("reference", f"{found['reference']:.2f}")
    view.show(
        console,
        f"A batch of {BATCH} clear recordings, the API answering after 1 s",
        table,
        f"ours: {BATCHES} warm batches through the function's handler, its request budget in use, with a limit that is "
        "never met. reference: one batch, its recordings one after the other.",
    )
    ratio = found["ours"]
    return [Verdict("Batch of 10, API latency 1 s: wall ÷ 1 s", f"{ratio:.2f}", f"≤ {TARGET}", ratio <= TARGET)]
