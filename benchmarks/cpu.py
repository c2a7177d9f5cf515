"""CPU a recording: ours, the floor and the reference in one process, by turns, with every server in another one."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from statistics import median
from typing import Any

from rich.console import Console

from benchmarks import view
from benchmarks.child import Progress, measured
from benchmarks.view import Verdict
from benchmarks.world import ALERTING, BATCH, CLEAR, Context, running_world, sqs_event

KINDS = {"clear": CLEAR, "alerting": ALERTING}
ROUNDS = 12
TURNS = 6
"""In a round; in each turn every subject takes one batch. A round has a new worker, so that the log of the request
budget stays as short as a real limit would keep it."""
TARGET = 1.3

OURS, ALONE, FLOOR, REFERENCE, NAMELESS = "ours", "alone", "floor", "reference", "nameless"
_TOLD = {
    OURS: f"ours, batches of {BATCH}",
    ALONE: "ours, batches of 1",
    FLOOR: "floor",
    REFERENCE: "reference",
    NAMELESS: "reference, no names in alerts",
}


def inside(progress: Progress) -> Any:
    """For each kind and subject: milliseconds of CPU a recording, and the ratio to the floor of the same round;
    medians over the rounds."""
    subjects = _subjects()
    spent: dict[str, dict[str, list[float]]] = {kind: defaultdict(list) for kind in KINDS}
    for number in range(ROUNDS):
        for kind, ids in KINDS.items():
            for name, cost in _round(subjects, ids).items():
                spent[kind][name].append(cost * 1000)
        progress((number + 1) / ROUNDS)
    return {
        kind: {
            name: {
                "ms": median(values),
                "ratio": median(value / bare for value, bare in zip(values, rounds[FLOOR], strict=True)),
            }
            for name, values in rounds.items()
        }
        for kind, rounds in spent.items()
    }


def _round(subjects: dict[str, Callable[[Sequence[int]], None]], ids: Sequence[int]) -> dict[str, float]:
    """Seconds of CPU a recording, of each subject."""
    from benchmarks import ours

    ours.new_worker()
    for run in subjects.values():
        run(ids)  # warm, and not counted
    sums = dict.fromkeys(subjects, 0.0)
    names = list(subjects)
    for turn in range(TURNS):
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            before = time.process_time()
            subjects[name](ids)
            sums[name] += time.process_time() - before
    return {name: total / TURNS / len(ids) for name, total in sums.items()}


def _subjects() -> dict[str, Callable[[Sequence[int]], None]]:
    from benchmarks import ours, reference
    from benchmarks.floor import Floor

    recorded = [ours.by_recording(ours.calls_of_warm_batch(ids)) for ids in KINDS.values()]
    floor = Floor({number: calls for each in recorded for number, calls in each.items()})

    def refer(ids: Sequence[int], *, names_recordings: bool) -> None:
        reference.names_recordings = names_recordings
        answer = reference.lambda_handler(sqs_event(ids), Context())
        assert answer == {"batchItemFailures": []}, answer

    return {
        OURS: lambda ids: ours.evaluate(ids, BATCH),
        ALONE: lambda ids: ours.evaluate(ids, 1),
        FLOOR: floor.run,
        REFERENCE: lambda ids: refer(ids, names_recordings=True),
        NAMELESS: lambda ids: refer(ids, names_recordings=False),
    }


def show(console: Console) -> list[Verdict]:
    with view.progress(console, "CPU a recording") as progress, running_world() as world:
        found = measured("cpu", world.environment, progress)
    table = view.table("", *(heading for kind in KINDS for heading in (f"{kind}, ms", "× floor")))
    for name, told in _TOLD.items():
        cells = [told]
        for kind in KINDS:
            figures = found[kind][name]
            says_nothing_new = name == NAMELESS and kind == "clear"
            cells += ["", ""] if says_nothing_new else [f"{figures['ms']:.2f}", f"{figures['ratio']:.2f}"]
        table.add_row(*cells, style="bold" if name == OURS else "")
    view.show(
        console,
        "CPU a recording",
        table,
        "CPU time of the whole process (all threads, user and system); the vendor's stub and an AWS that answers at "
        f"once run in other processes. Medians of {ROUNDS} rounds of {TURNS} batches, taken by turns.",
        f"ours: the function's handler with an SQS batch, wired as deployed, in {BATCH} threads; its log is a file.",
        "floor: for each recording the same GET (an alerting one: also that of its details) by a requests session, "
        "JSON decoding, and our very writes (clear: put_item; alerting: put_item, publish, update_item) by boto3 "
        f"clients with our settings, in {BATCH} threads too. No reads, no request budget, no judging, no log.",
        "reference: benchmarks/reference.py, one recording after the other, as Powertools' BatchProcessor works. It "
        "does less: no outbox, no conditional writes, no request limit. Without names its alerts need one GET less.",
        "A batch of 1 pays alone for its read and the budget: that is a system without a backlog.",
    )
    return [verdict for kind in KINDS for verdict in _verdicts(kind, found[kind])]


def _verdicts(kind: str, figures: dict[str, dict[str, float]]) -> list[Verdict]:
    ours, reference = figures[OURS]["ratio"], figures[REFERENCE]["ratio"]
    return [
        Verdict(f"CPU, {kind}: ÷ floor", f"{ours:.2f}", f"≤ {TARGET}", ours <= TARGET),
        Verdict(f"CPU, {kind}: ÷ reference", f"{ours / reference:.2f}", "< 1", ours < reference),
    ]
