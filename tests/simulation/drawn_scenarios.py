"""The scenario of a seed."""

from random import Random
from typing import Final

from tests.simulation import list_situations, situations
from tests.simulation.arrivals import arrivals_of
from tests.simulation.discovery_plan import add_discovery
from tests.simulation.drawn_faults import fault_plan_of
from tests.simulation.drawn_recordings import recordings_of
from tests.simulation.operator_entries import entries_of, with_rich_rules
from tests.simulation.outages import aws_outages, email_outages, slack_outages, vendor_outages
from tests.simulation.scenario import Scenario
from tests.simulation.times import SECOND
from tests.simulation.world import START_MS

_WITH_EMAIL: Final = 0.4
_SITUATIONS: Final = (
    (0.04, situations.burst),
    (0.06, situations.rest),
    (0.06, situations.changed_rules),
    (0.04, situations.frozen_before_the_mark),
    (0.04, situations.hold_not_stored),
    (0.02, situations.redriven_before_the_goals),
    (0.01, situations.unreadable_outcome),
    (0.02, list_situations.list_moves),
    (0.02, list_situations.succeeds_unannounced),
    (0.01, list_situations.few_requests),
    (0.02, situations.frozen_before_the_save),
    (0.02, situations.frozen_before_the_publish),
    (0.01, situations.results_go_back),
    (0.01, list_situations.shrinks_to_one),
)
"""The share of the seeds that each has. The others have everything at once."""


def scenario_of(seed: int) -> Scenario:
    """The scenario of a seed."""
    random = Random(f"scenario {seed}")
    left = random.random()
    for share, situation in _SITUATIONS:
        left -= share
        if left < 0:
            return situation(random)
    scenario = _any(random)
    scenario.entries = with_rich_rules(Random(f"rules {seed}"), scenario.entries)
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
        fault_plan=fault_plan_of(random, faults_end_ms, down),
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
