"""AWS calls a recording, counted at botocore's own events, where each attempt is seen."""

from __future__ import annotations

from collections import Counter
from typing import Any

from rich.console import Console

from benchmarks import view
from benchmarks.child import Progress, measured
from benchmarks.view import Verdict
from benchmarks.world import ALERTING, BATCH, CLEAR, running_world

KINDS = {"clear": (CLEAR, ["PutItem"]), "alerting": (ALERTING, ["PutItem", "Publish", "UpdateItem"])}
BATCHES = 20
SHARED_TARGET = 3


def inside(progress: Progress) -> Any:
    """For each kind: the calls of each recording's own, and those of the whole batch, of every batch."""
    from benchmarks import ours

    found: dict[str, Any] = {}
    for part, (kind, (ids, _)) in enumerate(KINDS.items(), start=1):
        own, shared = set(), []
        for calls in ours.calls_of_warm_batches(ids, BATCHES):
            by_recording = ours.by_recording(calls)
            own |= {" → ".join(operation for operation, _ in each) for each in by_recording.values()}
            rest = Counter(ours.name_of(call) for call in calls)
            rest.subtract(ours.name_of(call) for each in by_recording.values() for call in each)
            shared.append(dict(+rest))
        found[kind] = {"own": sorted(own), "shared": shared}
        progress(part / len(KINDS))
    return found


def show(console: Console) -> list[Verdict]:
    with view.progress(console, "AWS calls") as progress, running_world() as world:
        found = measured("calls", world.environment, progress)
    table = view.table("", "each recording", f"a whole batch of {BATCH}, at most")
    verdicts = []
    for kind, (_, wanted) in KINDS.items():
        wanted_calls, own = " → ".join(wanted), " or ".join(found[kind]["own"])
        most = max(found[kind]["shared"], key=lambda shared: sum(shared.values()))
        most_calls = sum(most.values())
        told = ", ".join(f"{number} {name}" for name, number in sorted(most.items()))
        table.add_row(kind, own, told)
        verdicts.append(
            Verdict(
                f"AWS calls, {kind}: recording + whole batch",
                f"{len(wanted)} + {most_calls}" if own == wanted_calls else f"{own} + {most_calls}",
                f"{len(wanted)} + ≤ {SHARED_TARGET}",
                own == wanted_calls and most_calls <= SHARED_TARGET,
            )
        )
    view.show(
        console,
        "AWS calls",
        table,
        f"Every attempt that botocore sends, over {BATCHES} warm batches of each kind; the batch that needed most is "
        "shown. Parameters are read once a minute, by whichever batch comes then: one GetParameters more. Receiving "
        "and deleting messages is Lambda's own work.",
        "An alert's details are a second request to the vendor, so the budget is asked once more: in one call for all "
        "of the batch whose results come within a quarter of a second.",
    )
    return verdicts
