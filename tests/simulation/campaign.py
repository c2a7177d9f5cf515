"""Many seeds on all cores."""

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import cpu_count, get_context
from typing import Final, TypeVar

from tests.simulation.simulation import Finding, run

CHUNK: Final = 50

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True)
class Played:
    """Some seeds, and what was found wrong in them."""

    seeds: int
    findings: tuple[Finding, ...]
    cpu_s: float


def play_some(seeds: range) -> Played:
    began_s = time.process_time()
    findings = tuple(finding for seed in seeds if (finding := run(seed)))
    return Played(len(seeds), findings, time.process_time() - began_s)


def play_all(first: int, count: int) -> Iterator[Played]:
    """Play `count` seeds from `first` on, as they are done."""
    chunks = [range(at, min(at + CHUNK, first + count)) for at in range(first, first + count, CHUNK)]
    return on_all_cores(play_some, chunks)


def on_all_cores(work: Callable[[T], R], parts: Sequence[T]) -> Iterator[R]:
    with ProcessPoolExecutor(cpu_count(), get_context("spawn")) as pool:
        for done in as_completed([pool.submit(work, part) for part in parts]):
            yield done.result()
