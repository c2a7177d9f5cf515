"""The scenario of a seed: recordings and their analyses, events, faults, outages, and the operator's changes."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Final

from adapters.slack.webhook import WEBHOOK_URL
from tests.simulation.arrivals import Arrival, announced, arrivals_of
from tests.simulation.discovery_plan import DiscoveryPlan, add_discovery
from tests.simulation.drawn_recordings import awaiting_goals, recordings_of, violating
from tests.simulation.faults import AwsOutage, FaultPlan
from tests.simulation.mailbox import Unconfirmed
from tests.simulation.operator_entries import Entry, entries_of, goals_read_later, stored_at_first
from tests.simulation.outages import aws_outages, email_outages, slack_outages, vendor_outages
from tests.simulation.recordings import Recording
from tests.simulation.slack import SlackOutage
from tests.simulation.times import MINUTE, SECOND
from tests.simulation.vendor import Outage
from tests.simulation.world import START_MS

_WITH_EMAIL: Final = 0.4
_REQUESTS_AN_EVENT: Final = 4


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
    slow_slack: bool = False
    email: Sequence[Unconfirmed] | None = None
    """The times without a confirmed mailbox; `None` where no `AlertEmail` is set."""
    redrives_ms: list[int] = field(default_factory=list)
    redrive_at_end: bool = True
    skew_ms: int = 150
    """Clocks are up to this much ahead or behind."""
    discovery: DiscoveryPlan | None = None
    """With it, discovery and the webhook take part."""

    @property
    def at_rest_ms(self) -> int:
        """When all faults have ended, and discovery has looked at its whole lookback again."""
        if self.discovery is None:
            return self.fault_plan.faults_end_ms
        return self.discovery.rest_ms + 2 * self.discovery.lookback_ms + 4 * self.discovery.every_ms

    @property
    def calm(self) -> bool:
        """Whether nothing fails, and requests are free for all."""
        down = self.outages or self.slack_outages or self.email or self.vendor_faults or self.slack_faults
        disturbed = down or self.fault_plan.disturbs or self.slow_vendor or self.slow_slack or self.redrives_ms
        operated = any(entry.at_ms > START_MS for entry in self.entries)
        spare = min(self.limit, self.vendor_limit) >= _REQUESTS_AN_EVENT * len(self.arrivals)
        return spare and not disturbed and not operated


def scenario_of(seed: int) -> Scenario:
    """The scenario of a seed."""
    random = Random(f"scenario {seed}")
    match random.random():
        case draw if draw < 0.04:
            return _burst(random)
        case draw if draw < 0.1:
            return _rest(random)
        case draw if draw < 0.16:
            return _changed_rules(random)
        case _:
            scenario = _any(random)
            add_discovery(seed, scenario)
            return scenario


def _any(random: Random) -> Scenario:
    """Everything at once."""
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
    email = email_outages(random) if random.random() < _WITH_EMAIL else None
    ends += [outage.until_ms for outage in down] + [period.until_ms for period in email or ()]
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
        slow_slack=random.random() < 0.2,
        email=email,
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


def _rest(random: Random) -> Scenario:
    """Nothing fails, and requests are free for all."""
    recordings = recordings_of(random, slow=False)
    arrivals = arrivals_of(random, recordings)
    faults_end_ms = max([START_MS, *(arrival.at_ms for arrival in arrivals)])
    return Scenario(
        evaluators=random.choice((2, 4)),
        notifiers=2,
        limit=60,
        vendor_limit=60,
        recordings=recordings,
        arrivals=arrivals,
        fault_plan=FaultPlan(faults_end_ms),
        entries=stored_at_first(),
        email=random.choice(((), None)),
        skew_ms=random.choice((0, 240)),
    )


def _burst(random: Random) -> Scenario:
    """Many alerts at once, and only e-mail is configured: nothing but its own pause slows it down."""
    recordings = [violating(number, random) for number in range(14)]
    arrivals = [announced(recording, random) for recording in recordings]
    return Scenario(
        evaluators=4,
        notifiers=2,
        limit=60,
        vendor_limit=60,
        recordings=recordings,
        arrivals=arrivals,
        fault_plan=FaultPlan(START_MS) if random.random() < 0.5 else _fault_plan(random, START_MS + MINUTE, ()),
        entries=[entry for entry in stored_at_first() if entry.name != WEBHOOK_URL],
        email=(),
    )


def _changed_rules(random: Random) -> Scenario:
    """Rules that read goals come into force while recordings wait, and requests are scarce."""
    recordings = [awaiting_goals(number, random) for number in range(random.choice((3, 4)))]
    arrivals = arrivals_of(random, recordings)
    entries = [*stored_at_first(), *goals_read_later(random)]
    ends = [arrival.at_ms for arrival in arrivals] + [entry.at_ms for entry in entries]
    faults_end_ms = max(ends) + 30 * SECOND
    return Scenario(
        evaluators=random.choice((1, 2)),
        notifiers=1,
        limit=random.choice((2, 3)),
        vendor_limit=3,
        recordings=recordings,
        arrivals=arrivals,
        fault_plan=_fault_plan(random, faults_end_ms, ()),
        entries=entries,
        vendor_faults=0.5,
    )
