"""A scenario: recordings and their analyses, events, faults, outages, and the operator's changes."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from tests.simulation.arrivals import Arrival
from tests.simulation.discovery_plan import DiscoveryPlan
from tests.simulation.faults import FaultPlan
from tests.simulation.mailbox import Unconfirmed
from tests.simulation.operator_entries import Entry
from tests.simulation.recordings import Recording
from tests.simulation.slack import SlackOutage
from tests.simulation.vendor import Outage
from tests.simulation.world import START_MS

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
