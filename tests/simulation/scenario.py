"""The scenario of a seed: recordings and their analyses, events, faults, outages, and the operator's changes."""

from dataclasses import dataclass, field
from random import Random

from tests.simulation.arrivals import Arrival, arrivals_of
from tests.simulation.drawn_recordings import recordings_of
from tests.simulation.faults import AwsOutage, FaultPlan
from tests.simulation.operator_entries import Entry, entries_of
from tests.simulation.outages import aws_outages, slack_outages, vendor_outages
from tests.simulation.recordings import Recording
from tests.simulation.slack import SlackOutage
from tests.simulation.times import SECOND
from tests.simulation.vendor import Outage
from tests.simulation.world import START_MS


@dataclass
class Scenario:
    evaluators: int
    notifiers: int
    limit: int
    vendor_limit: int
    recordings: list[Recording]
    arrivals: list[Arrival]
    fault_plan: FaultPlan
    entries: list[Entry] = field(default_factory=list)
    outages: list[Outage] = field(default_factory=list)
    slack_outages: list[SlackOutage] = field(default_factory=list)
    vendor_faults: float = 0
    slack_faults: float = 0
    slow_vendor: bool = False
    redrives_ms: list[int] = field(default_factory=list)
    redrive_at_end: bool = True
    skew_ms: int = 150
    """Clocks are up to this much ahead or behind."""


def scenario_of(seed: int) -> Scenario:
    """The scenario of a seed."""
    random = Random(f"scenario {seed}")
    down = aws_outages(random)
    # In an AWS outage, events become dead letters while they wait: use recordings that take longer.
    slow = bool(down)
    recordings = recordings_of(random, slow=slow)
    arrivals = arrivals_of(random, recordings)
    outages = vendor_outages(random, len(arrivals))
    slack_down = slack_outages(random)
    entries = entries_of(random)
    ends = [arrival.at_ms for arrival in arrivals] + [entry.at_ms for entry in entries]
    ends += [outage.until_ms for outage in outages] + [outage.until_ms for outage in slack_down]
    ends += [outage.until_ms for outage in down]
    faults_end_ms = max(ends) + 30 * SECOND
    return Scenario(
        evaluators=random.choice((1, 2, 2, 3, 4, 6, 8)),
        notifiers=random.choice((1, 2, 2)),
        limit=(limit := random.choice((3, 5, 8, 20, 60))),
        vendor_limit=limit if random.random() < 0.8 else max(2, limit // 2),
        recordings=recordings,
        arrivals=arrivals,
        fault_plan=_fault_plan(random, faults_end_ms, down),
        entries=entries,
        outages=outages,
        slack_outages=slack_down,
        vendor_faults=random.choice((0, 0, 0.05, 0.3)),
        slack_faults=random.choice((0, 0.1, 0.4)),
        slow_vendor=random.random() < 0.2,
        redrives_ms=[random.randrange(START_MS, faults_end_ms) for _ in range(random.choice((0, 0, 1, 2)))],
        redrive_at_end=random.random() < 0.8,
        skew_ms=random.choice((0, 100, 240)),
    )


def _fault_plan(random: Random, faults_end_ms: int, aws_outages: tuple[AwsOutage, ...]) -> FaultPlan:
    if random.random() < 0.1:
        return FaultPlan(faults_end_ms)
    return FaultPlan(
        faults_end_ms,
        faults_left=random.choice((3, 10, 30, 60)),
        crash_probability=random.choice((0, 0, 0.01, 0.03, 0.06)),
        error_probability=random.choice((0, 0, 0.01, 0.03)),
        lost_answer_probability=random.choice((0, 0, 0.01, 0.03)),
        repeat_probability=random.choice((0, 0, 0.02)),
        delay_probability=random.choice((0, 0, 0.02, 0.05, 0.15)),
        duplicate_probability=random.choice((0, 0.1, 0.3)),
        aws_outages=aws_outages,
        slow_answer_probability=random.choice((0, 0, 0.1, 0.4)),
    )
