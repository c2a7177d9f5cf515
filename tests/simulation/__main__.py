"""`python -m tests.simulation`: run seeds, print the trace of one, try the mutations, work off a backlog."""

from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from tests.simulation import backlog, mutations
from tests.simulation.parallel import run_seeds
from tests.simulation.simulation import Finding, run
from tests.simulation.trace import Trace

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, help=__doc__)
console = Console(highlight=False)


@app.callback(invoke_without_command=True)
def run_many(
    context: typer.Context,
    seeds: Annotated[int, typer.Option(help="How many seeds to run, on all cores.")] = 2_000,
    first: Annotated[int, typer.Option(help="The first of them.")] = 0,
    seed: Annotated[int | None, typer.Option(help="Run only this one.")] = None,
    trace: Annotated[bool, typer.Option("--trace", help="Print its trace.")] = False,
) -> None:
    """Run seeds. The trace of the first that violates an invariant is printed."""
    if context.invoked_subcommand:
        return
    if seed is not None:
        raise typer.Exit(_show(seed, always=trace))
    findings: list[Finding] = []
    cpu_s = 0.0
    with Progress(console=console, transient=True) as progress:
        bar = progress.add_task("seeds", total=seeds)
        for runs in run_seeds(first, seeds):
            progress.advance(bar, runs.seeds)
            findings += runs.findings
            cpu_s += runs.cpu_s
            for finding in runs.findings:
                progress.console.print(f"✗ {finding}")
    console.print(
        f"{seeds} seeds, {len(findings)} with a violation; {1000 * cpu_s / seeds:.0f} ms of processor time each."
    )
    if findings:
        first_found = min(findings, key=lambda finding: finding.seed)
        _show(first_found.seed, always=True)
        console.print(f"\nAgain: python -m tests.simulation --seed {first_found.seed} --trace")
        raise typer.Exit(1)


def _show(seed: int, *, always: bool) -> int:
    trace = Trace()
    finding = run(seed, trace)
    if finding or always:
        console.print(trace.text(), markup=False, soft_wrap=True)
    console.print(f"\n✗ {finding}" if finding else f"\nSeed {seed} holds every invariant.", markup=False)
    return 1 if finding else 0


@app.command("mutations")
def try_mutations(
    name: Annotated[list[str] | None, typer.Argument(help="Only these.")] = None,
    seeds: Annotated[int, typer.Option(help="How many seeds each may take to be caught.")] = mutations.SEEDS,
) -> None:
    """Break the delivery code in each named way. Every mutation must be caught."""
    missed = 0
    for caught in mutations.try_all(tuple(name or mutations.MUTATIONS), seeds):
        missed += caught.finding is None
        how = f"✓ {caught.finding}" if caught.finding else f"✗ not caught within {seeds} seeds"
        console.print(f"{caught.mutation:<44} {how}", markup=False, soft_wrap=True)
    raise typer.Exit(1 if missed else 0)


@app.command("backlog")
def work_off_a_backlog(limit: int = 60, times: int = 10, evaluators: int = 5, duplicates: float = 0.1) -> None:
    """Work off a backlog of many times the limit: how much of the limit is used."""
    done = backlog.work_off(limit=limit, times=times, evaluators=evaluators, duplicates=duplicates)
    console.print(
        f"{done.events} events for {done.recordings} recordings: "
        f"{done.requests} requests in {done.minutes:.1f} minutes, "
        f"{done.share:.1%} of the limit used, {done.refused} answered with 429; "
        f"an event was deferred {done.mean_deferrals:.1f} times, at most {max(done.deferrals)} times."
    )


if __name__ == "__main__":
    app()
