"""All invariants of a run, on one ledger."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tests.simulation.invariants.alerts import AlertInvariants
from tests.simulation.invariants.discovery import DiscoveryInvariants
from tests.simulation.invariants.events import EventInvariants
from tests.simulation.invariants.latency import LatencyInvariants
from tests.simulation.invariants.observed import Observed
from tests.simulation.invariants.outcomes import OutcomeInvariants
from tests.simulation.invariants.repeats import RepeatInvariants
from tests.simulation.invariants.requests import RequestInvariants
from tests.simulation.ledger import InForce, Ledger
from tests.simulation.recordings import Recording
from tests.simulation.stored import Stored
from tests.simulation.world import World

if TYPE_CHECKING:
    from tests.simulation.discovery_plan import DiscoveryPlan


class Invariants:
    """`parameters_fail`: a worker may keep old rules. `slack_may_be_off`: there may be no Slack URL for a while.

    `calm`: nothing fails, and there are requests enough for all.
    """

    def __init__(
        self,
        world: World,
        stored: Stored,
        recordings: Sequence[Recording],
        limit: int,
        rules: Sequence[InForce],
        *,
        parameters_fail: bool,
        destinations: Sequence[str],
        slack_may_be_off: bool,
        calm: bool,
        discovery: "DiscoveryPlan | None" = None,
    ) -> None:
        self.ledger = Ledger()
        observed = Observed(world, stored, recordings, self.ledger)
        self.requests = RequestInvariants(world, self.ledger, limit)
        self.outcomes = OutcomeInvariants(observed, rules, parameters_fail=parameters_fail)
        self.alerts = AlertInvariants(observed, destinations=destinations, slack_may_be_off=slack_may_be_off)
        self.repeats = RepeatInvariants(world, self.ledger)
        self.latency = LatencyInvariants(observed, destinations, calm=calm)
        self.events = EventInvariants(observed, self.alerts, slack_may_be_off=slack_may_be_off)
        self.discovery = DiscoveryInvariants(observed, discovery, limit) if discovery else None

    def check_end(self) -> None:
        """All faults have ended, and all queues are idle."""
        self.events.check_end()
        self.alerts.check_end()
        self.repeats.check_end()
        self.latency.check_end()
        if self.discovery:
            self.discovery.coverage.check_end()
