"""SNS: a topic that hands each message on to the Slack queue, sometimes twice."""

import json
from collections.abc import Callable
from typing import Any

from tests.simulation.queue import Errand, Queue
from tests.simulation.weather import Weather
from tests.simulation.world import Task, World

Told = Callable[[Task, dict[str, Any]], None]


class Topic:
    def __init__(self, world: World, weather: Weather, slack_queue: Queue, on_publish: Told) -> None:
        self._world = world
        self._weather = weather
        self._slack_queue = slack_queue
        self._on_publish = on_publish

    def publish(self, task: Task, message: str) -> None:
        default = json.loads(message)["default"]
        alert = json.loads(default)
        self._world.tell(task.life.name, "  publishes alert {}", alert["alert_id"][:6])
        self._on_publish(task, alert)
        self._hand_on(default, alert)
        if self._weather.doubles(self._world):
            self._hand_on(default, alert)

    def _hand_on(self, body: str, alert: dict[str, Any]) -> None:
        at_ms = self._world.now_ms + self._world.between(20, 500)
        name = f"alert {alert['alert_id'][:6]}"
        self._world.at(
            at_ms,
            lambda: self._slack_queue.send(body, Errand(name, None, at_ms, at_ms, alert_id=alert["alert_id"])),
        )
