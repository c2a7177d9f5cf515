"""Discovery with its timer, and the webhook with its senders, where they take part in a seed."""

import json
from collections.abc import Callable
from functools import partial
from typing import Final

from tests.simulation.arrivals import Arrival
from tests.simulation.faults import FaultPlan
from tests.simulation.functions import Environment, Function
from tests.simulation.queue import Facts
from tests.simulation.timer import Timer
from tests.simulation.webhook_sender import WebhookSender
from tests.simulation.wiring import Parts

_ENVIRONMENTS: Final = 2


class Triggers:
    def __init__(
        self,
        parts: Parts,
        fault_plan: FaultPlan,
        skews: Callable[[], int],
        facts_of: Callable[[Arrival], Facts],
    ) -> None:
        world, plan, invariants = parts.world, parts.discovery, parts.invariants.discovery
        assert plan is not None
        assert invariants is not None
        self._world = world
        self._plan = plan

        def environments(kind: str) -> list[Environment]:
            return [Environment(f"{kind}-{index}", skews()) for index in range(1, _ENVIRONMENTS + 1)]

        discover = Function(world, fault_plan, parts.discovery_worker, environments("discover"))
        receive = Function(world, fault_plan, parts.webhook_receiver, environments("webhook"))
        self._timer = Timer(world, plan, discover, skews, invariants)
        self._sender = WebhookSender(world, receive, skews, facts_of)

    def start(self) -> None:
        self._timer.start()
        body = json.dumps({"recording_id": self._plan.listed[0].recording.recording_id})
        for at_ms in self._plan.strangers:
            self._world.at(at_ms, partial(self._sender.post_as_a_stranger, body))

    def post(self, arrival: Arrival) -> None:
        """Post an event to the webhook."""
        self._sender.post(arrival, self._plan.repeats)
