"""Runs many seeds on all cores."""

import gc
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import cpu_count, get_context
from typing import Final, TypeVar

from tests.simulation.simulation import Finding, run

CHUNK: Final = 50
_OBJECTS: Final = 1_000_000

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True)
class SeedRuns:
    """Some seeds, and the invariants that they violated."""

    seeds: int
    findings: tuple[Finding, ...]
    cpu_s: float


def _run_chunk(seeds: range) -> SeedRuns:
    began_s = time.process_time()
    findings = tuple(finding for seed in seeds if (finding := run(seed)))
    return SeedRuns(len(seeds), findings, time.process_time() - began_s)


def _collect_rarely() -> None:
    """A seed leaves little garbage; looking for it takes a tenth of the time."""
    gc.freeze()
    gc.set_threshold(_OBJECTS)


def run_seeds(first: int, count: int) -> Iterator[SeedRuns]:
    """Run `count` seeds from `first` on; results come in the order of completion."""
    chunks = [range(at, min(at + CHUNK, first + count)) for at in range(first, first + count, CHUNK)]
    return on_all_cores(_run_chunk, chunks)


def on_all_cores(work: Callable[[T], R], parts: Sequence[T]) -> Iterator[R]:
    with ProcessPoolExecutor(cpu_count(), get_context("spawn"), _collect_rarely) as pool:
        try:
            for done in as_completed([pool.submit(work, part) for part in parts]):
                yield done.result()
        finally:
            pool.shutdown(cancel_futures=True)  # After an error, the rest is not worth the wait.
