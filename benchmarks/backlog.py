"""A backlog: the share of the request limit that is used, and the events refused, given up, lost or doubled."""

from __future__ import annotations

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from benchmarks import real_stack, view, virtual
from benchmarks.child import measured
from benchmarks.view import Verdict
from benchmarks.world import environment
from tests.simulation.vendor import BASE_URL

SHARE_TARGET = 0.95
REFUSED_TARGET = 0.01
NOWHERE = "http://127.0.0.1:9"  # nothing of the simulation reaches AWS


def show(console: Console) -> list[Verdict]:
    return _in_virtual_time(console) + _on_the_real_stack(console)


def _in_virtual_time(console: Console) -> list[Verdict]:
    with view.progress(console, "A backlog in virtual time") as progress:
        found = measured("virtual", environment(BASE_URL, NOWHERE), progress)
    ours, reference = found["ours"], found["reference"]
    table = view.table("", "ours", "reference")
    for name, told in (("share", "share of the limit used"), ("refused", "requests refused (429)")):
        table.add_row(told, f"{ours[name]:.1%}", f"{reference[name]:.1%}")
    for name, told in (("dead_letters", "messages in the dead-letter queue"), ("doubled", "alerts sent twice")):
        table.add_row(told, f"{ours[name]}", f"{reference[name]}")
    table.add_row("minutes until the last request", f"{ours['minutes']:.1f}", f"{reference['minutes']:.1f}")
    view.show(
        console,
        f"A backlog of {virtual.TIMES} times the minute's limit, in virtual time",
        table,
        f"{found['events']} events for {found['recordings']} recordings at once, one in ten of them named twice, one "
        f"in ten alerting; a limit of {virtual.LIMIT} a minute, {virtual.WORKERS} workers. Both are the real code, in "
        "the simulator that the tests use: an exact queue and vendor, nothing but the limit in the way.",
        "The simulator checks ours after every step, and would have stopped at a recording lost or an alert doubled. "
        "The reference learns of the limit by its 429s; what fails five times is a dead letter.",
    )
    return [
        *_limits("Backlog, virtual", ours["share"], ours["refused"]),
        _none("Backlog, virtual: dead letters, doubled", ours["dead_letters"], ours["doubled"]),
    ]


def _on_the_real_stack(console: Console) -> list[Verdict]:
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bars:
        bar = bars.add_task("", total=1.0)
        found = real_stack.watch(
            report=lambda step: bars.update(bar, description=step),
            progress=lambda done: bars.update(bar, completed=done),
        )
    refused = found.refused / found.requests
    table = view.table("", "ours")
    table.add_row("share of the limit used", f"{found.share:.1%}")
    table.add_row("requests refused (429)", f"{refused:.1%}")
    table.add_row("recordings judged", f"{found.judged}")
    table.add_row("messages in the dead-letter queue", f"{found.dead_letters}")
    table.add_row("recordings lost", f"{found.lost}")
    table.add_row("alerts sent twice", f"{found.doubled}")
    view.show(
        console,
        f"{real_stack.SECONDS // 60} minutes of a backlog on the real local stack",
        table,
        f"{real_stack.RECORDINGS} events at once, one in {real_stack.ALERTING_EVERY} alerting, and a limit of "
        f"{real_stack.LIMIT} a minute, which the vendor's stub enforces. Counted by the stub from its first request "
        "on: a burst begins each minute, so two minutes can hold two of them whole. Lost is what is neither judged "
        "nor in a queue.",
    )
    return [
        *_limits("Backlog, real", found.share, refused),
        _none("Backlog, real: dead letters, lost, doubled", found.dead_letters, found.lost, found.doubled),
    ]


def _limits(what: str, share: float, refused: float) -> list[Verdict]:
    return [
        Verdict(f"{what}: limit used", f"{share:.1%}", f"≥ {SHARE_TARGET:.0%}", share >= SHARE_TARGET),
        Verdict(f"{what}: 429s", f"{refused:.1%}", f"≤ {REFUSED_TARGET:.0%}", refused <= REFUSED_TARGET),
    ]


def _none(what: str, *numbers: int) -> Verdict:
    return Verdict(what, ", ".join(str(number) for number in numbers), "0", not any(numbers))
