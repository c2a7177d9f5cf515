"""Promises 3 and 5: every violation is alerted, repeated only with cause, and never before Slack's Retry-After."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from tests.simulation.documents import TRIALS
from tests.simulation.functions import Invocation
from tests.simulation.invariants.observed import Observed
from tests.simulation.ledger import Sent
from tests.simulation.world import Task, Violated


class AlertInvariants:
    def __init__(self, observed: Observed, *, destinations: Sequence[str], slack_may_be_off: bool) -> None:
        self._world = observed.world
        self._observed = observed
        self._ledger = observed.ledger
        self._slack_may_be_off = slack_may_be_off
        self._destinations = destinations
        self._slack_waits: dict[str, tuple[int, Task]] = {}

    def published(self, task: Task, alert: Mapping[str, Any]) -> None:
        """The topic has taken an alert."""
        ledger, alert_id = self._ledger, alert["alert_id"]
        number = self._observed.recording(str(alert["recording_id"])).number
        for violation in alert["violations"]:
            if violation["rule_id"] in TRIALS:
                raise Violated(3, f"recording {number}: the shadow rule {violation['rule_id']} alerts")
            about = (number, violation["rule_id"], violation["subject"])
            if ledger.alert_of.setdefault(about, alert_id) != alert_id:
                raise Violated(3, f"recording {number}: {about[1:]} is alerted again under another alert id")
        lost = task.notes.get("answer_lost", False)
        what = f"alert {alert_id[:6]} is published again"
        _add(ledger.published[alert_id], task, self._world.now_ms, what, answer_lost=lost)

    def posts(self, task: Task) -> None:
        """A post leaves for Slack."""
        until_ms, told = self._slack_waits.get(task.notes["alert_id"], (0, None))
        if self._world.now_ms < until_ms and told and not (told.life.dead or told.faults):
            early_ms = until_ms - self._world.now_ms
            raise Violated(5, f"{task.life.name} posts {early_ms} ms before Slack's Retry-After is over")

    def slack_says_wait(self, task: Task, wait_s: int) -> None:
        until_ms = self._world.now_ms + wait_s * 1000
        self._slack_waits[task.notes["alert_id"]] = (until_ms, task)

    def delivered(self, task: Task, destination: str, alert_id: str, *, answer_lost: bool = False) -> None:
        """A destination has taken an alert."""
        lost = answer_lost or task.notes.get("answer_lost", False)
        earlier, what = self._ledger.delivered[destination][alert_id], f"{destination} gets alert {alert_id[:6]} again"
        _add(earlier, task, self._world.now_ms, what, answer_lost=lost)

    def acknowledged(self, alert_id: str) -> None:
        """A message that carries the alert was deleted from the Slack queue."""
        waiting = {m.facts.destination for m in self._observed.alert_messages if m.facts.alert_id == alert_id}
        for destination in self._destinations:
            waits = "" in waiting or destination in waiting
            may_be_off = destination == "slack" and self._slack_may_be_off
            if not (self._ledger.delivered[destination][alert_id] or waits or may_be_off):
                raise Violated(3, f"alert {alert_id[:6]} was acknowledged and never sent to {destination}")

    def check_end(self) -> None:
        for number, wanted in self._ledger.to_alert.items():
            alerted = {(rule, subject) for of, rule, subject in self._ledger.alert_of if of == number}
            if wanted - alerted and not self._observed.with_the_operator(number):
                raise Violated(3, f"recording {number}: never alerted: {sorted(wanted - alerted)}")
            if alerted - wanted:
                raise Violated(3, f"recording {number}: alerted, but in no outcome: {sorted(alerted - wanted)}")
        for alert_id in self._ledger.published:
            self.acknowledged(alert_id)
        for (name, kind), item in self._observed.stored.table.items.items():
            if kind != "OUTCOME" or item.get("alert", {}).get("M", {}).get("state") != {"S": "pending"}:
                continue
            if not self._observed.with_the_operator(self._observed.recording(name.removeprefix("RECORDING#")).number):
                raise Violated(3, f"{name}: its alert stays pending")


def _add(earlier: list[Sent], task: Task, now_ms: int, what: str, *, answer_lost: bool) -> None:
    if not all(sent.unknown for sent in earlier):
        raise Violated(3, f"{what} by {task.life.name} though its first sender knew that it arrived")
    earlier.append(Sent(task, answer_lost, task.faults, cast(Invocation, task.life).over, now_ms))
