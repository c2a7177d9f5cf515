"""SNS: a topic that forwards each message to the Slack queue, sometimes twice."""

import json
from collections.abc import Callable
from typing import Any

from tests.simulation.faults import FaultPlan
from tests.simulation.queue import Facts, Queue
from tests.simulation.world import Task, World

OnPublish = Callable[[Task, dict[str, Any]], None]


class Topic:
    def __init__(self, world: World, fault_plan: FaultPlan, slack_queue: Queue, on_publish: OnPublish) -> None:
        self._world = world
        self._fault_plan = fault_plan
        self._slack_queue = slack_queue
        self._on_publish = on_publish

    def publish(self, task: Task, message: str) -> None:
        default = json.loads(message)["default"]
        alert = json.loads(default)
        self._world.log(task.life.name, "  publishes alert {}", alert["alert_id"][:6])
        self._on_publish(task, alert)
        self._forward(default, alert)
        if self._fault_plan.duplicates(self._world):
            self._forward(default, alert)

    def _forward(self, body: str, alert: dict[str, Any]) -> None:
        at_ms = self._world.now_ms + self._world.between(20, 500)
        name = f"alert {alert['alert_id'][:6]}"
        self._world.at(
            at_ms,
            lambda: self._slack_queue.send(body, Facts(name, None, at_ms, at_ms, alert_id=alert["alert_id"])),
        )
