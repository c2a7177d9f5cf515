"""Runs one seed from beginning to end."""

import json
from dataclasses import dataclass
from functools import partial
from typing import Final

from adapters.rule_book import RULES
from adapters.slack.webhook import WEBHOOK_URL
from domain.rules.document import default_rules, parse_rules
from tests.simulation.arrivals import Arrival
from tests.simulation.direct_invocations import DirectInvocations
from tests.simulation.documents import DEFAULT_RULES, MAX_PAUSE_MS
from tests.simulation.drawn_scenarios import scenario_of
from tests.simulation.event_source import EventSourceMapping
from tests.simulation.faults import Outside
from tests.simulation.functions import Environment, Function
from tests.simulation.invariants.every import Invariants
from tests.simulation.ledger import InForce, Ledger
from tests.simulation.mailbox import Mailbox
from tests.simulation.operator_entries import Entry
from tests.simulation.queue import Facts
from tests.simulation.recordings import Recording
from tests.simulation.scenario import Scenario
from tests.simulation.slack import Slack
from tests.simulation.stored import Stored
from tests.simulation.topic import Topic
from tests.simulation.trace import Trace
from tests.simulation.trigger_aws import Replica
from tests.simulation.triggers import Triggers
from tests.simulation.vendor import Vendor
from tests.simulation.vendor_list import VendorList
from tests.simulation.wiring import PREFIX, Parts, installed
from tests.simulation.world import START_MS, Violated, World

_ENDS_WITHIN_MS: Final = 30 * 3_600_000
"""After all faults have ended. The longest wait ends after a day, in the dead-letter queue."""
_EVENTS_AT_ONCE: Final = 10
_ALERTS_AT_ONCE: Final = 5
"""Batch sizes, as in template.yaml."""


@dataclass(frozen=True)
class Finding:
    """An invariant that a seed violated."""

    seed: int
    invariant: int
    text: str

    def __str__(self) -> str:
        return f"seed {self.seed}, {self.text}"


def run(seed: int, trace: Trace | None = None) -> Finding | None:
    """Run a seed. Returns the violated invariant, if any. An error of the simulator itself names the seed."""
    try:
        run_scenario(scenario_of(seed), World(seed, trace))
    except Violated as violated:
        return Finding(seed, violated.invariant, str(violated))
    except BaseException as error:
        error.add_note(f"seed {seed}")
        raise
    return None


def run_scenario(scenario: Scenario, world: World) -> Ledger:
    """Run a scenario to its end. Raises `Violated`."""
    return _Simulation(scenario, world).run()


class _Simulation:
    def __init__(self, scenario: Scenario, world: World) -> None:
        fault_plan = scenario.fault_plan
        outside = Outside(world, fault_plan)
        stored = Stored(world)
        checked = _invariants(scenario, world, stored)
        self._scenario = scenario
        self._world = world
        self._stored = stored
        self._checked = checked
        self._entries: dict[str, str] = {}
        self._parts = Parts(
            outside=outside,
            invariants=checked,
            stored=stored,
            topic=Topic(world, fault_plan, stored.slack_queue, checked.alerts.published),
            vendor=Vendor(outside, scenario, self._announce, checked.requests, self._vendor_list(outside, checked)),
            slack=Slack(
                outside, scenario.slack_outages, scenario.slack_faults, checked.alerts, slow=scenario.slow_slack
            ),
            mailbox=Mailbox(world, scenario.email or (), checked.alerts),
            has_email=scenario.email is not None,
            parameters=self._entries,
            limit=scenario.limit,
            discovery=scenario.discovery,
            replica=Replica(world, stored.table) if scenario.discovery else None,
        )
        evaluators = self._environments("evaluate", scenario.evaluators)
        notifiers = self._environments("notify", scenario.notifiers)
        evaluate = Function(world, fault_plan, self._parts.evaluation_worker, evaluators)
        notify = Function(world, fault_plan, self._parts.slack_worker, notifiers)
        EventSourceMapping(world, fault_plan, stored.event_queue, evaluate, _EVENTS_AT_ONCE, checked.events)
        EventSourceMapping(world, fault_plan, stored.slack_queue, notify, _ALERTS_AT_ONCE, checked.events)
        self._directly = DirectInvocations(world, evaluate, self._skew_ms, stored.event_dead_letters, checked.events)
        self._triggers = (
            Triggers(self._parts, fault_plan, self._skew_ms, self._facts_of) if scenario.discovery else None
        )

    def run(self) -> Ledger:
        scenario, world = self._scenario, self._world
        for recording in scenario.recordings:
            if recording.unreadable:
                self._stored.table.put_unreadable(f"RECORDING#{recording.recording_id}", "OUTCOME")
        for entry in scenario.entries:
            world.at(entry.at_ms, partial(self._store, entry))
        for arrival in scenario.arrivals:
            world.at(arrival.at_ms, partial(self._arrive, arrival))
        if self._triggers:
            self._triggers.start()
        for at_ms in scenario.redrives_ms:
            world.at(at_ms, self._redrive)
        for recording in scenario.recordings:
            for index, state in enumerate(recording.states):
                world.at(state.at_ms, partial(self._log_state, recording, index))
        world.at(scenario.fault_plan.faults_end_ms, partial(world.log, "faults", "end"))
        with installed(self._parts):
            world.run(scenario.at_rest_ms + _ENDS_WITHIN_MS)
            self._checked.check_end()
            if scenario.redrive_at_end:
                self._redrive()
                world.run(world.now_ms + _ENDS_WITHIN_MS)
                self._checked.check_end()
                self._checked.events.check_redriven()
        return self._checked.ledger

    def _environments(self, kind: str, number: int) -> list[Environment]:
        return [Environment(f"{kind}-{index}", self._skew_ms()) for index in range(1, number + 1)]

    def _skew_ms(self) -> int:
        return self._world.between(-self._scenario.skew_ms, self._scenario.skew_ms)

    # ── events from outside ──

    def _arrive(self, arrival: Arrival) -> None:
        world = self._world
        if arrival.webhook and self._triggers:
            self._triggers.post(arrival)
            return
        facts = self._facts_of(arrival)
        self._checked.events.accepted(facts)
        if arrival.directly:
            self._directly.invoke(json.loads(arrival.body), arrival.body, facts)
        else:
            world.log("sender", "{}: {}", arrival.name, arrival.body[:100])
            self._stored.event_queue.send(arrival.body, facts)

    def _facts_of(self, arrival: Arrival) -> Facts:
        now_ms, number = self._world.now_ms, arrival.recording
        by_uuid = number is not None and self._scenario.recordings[number].uuid in arrival.body.lower()
        return Facts(arrival.name, number, now_ms, now_ms, arrival.discovery, by_uuid=by_uuid)

    def _vendor_list(self, outside: Outside, checked: Invariants) -> VendorList | None:
        plan = self._scenario.discovery
        if plan is None or checked.discovery is None:
            return None
        return VendorList(outside.world, plan, self._log_state, checked.discovery)

    def _announce(self, recording: Recording, index: int) -> None:
        """A state begins earlier than planned, perhaps with an event about it."""
        world = self._world
        self._log_state(recording, index)
        if world.chance(0.5):
            return
        body = json.dumps({"recording_id": recording.recording_id})
        at_ms = world.now_ms + world.between(0, 300)
        early = Arrival(at_ms, f"event {recording.number}.{index}.early", body, recording.number)
        world.at(at_ms, partial(self._arrive, early))

    def _log_state(self, recording: Recording, index: int) -> None:
        kind = recording.states[index].kind.name.lower().replace("_", " ")
        self._world.log("vendor", "recording {} is {} (state {})", recording.number, kind, index)

    def _store(self, entry: Entry) -> None:
        self._world.log("operator", "stores {}", entry.name)
        self._entries.pop(f"{PREFIX}/{entry.name}", None)
        if entry.value is not None:
            self._entries[f"{PREFIX}/{entry.name}"] = entry.value

    def _redrive(self) -> None:
        stored = self._stored
        for dead_letters, queue in (
            (stored.event_dead_letters, stored.event_queue),
            (stored.slack_dead_letters, stored.slack_queue),
        ):
            if moved := dead_letters.redrive_to(queue):
                self._world.log("operator", "redrives {} of {}", moved, dead_letters.name)


def _invariants(scenario: Scenario, world: World, stored: Stored) -> Invariants:
    fault_plan = scenario.fault_plan
    slack_urls = [entry.value for entry in scenario.entries if entry.name == WEBHOOK_URL]
    return Invariants(
        world,
        stored,
        scenario.recordings,
        scenario.limit,
        _rules_in_force(scenario.entries),
        parameters_fail=fault_plan.error_probability + fault_plan.lost_answer_probability > 0
        or bool(fault_plan.aws_outages),
        destinations=("slack", "email") if scenario.email is not None else ("slack",),
        calm=scenario.calm,
        slack_may_be_off=not slack_urls or None in slack_urls,
        discovery=scenario.discovery,
    )


def _rules_in_force(entries: list[Entry]) -> list[InForce]:
    default = default_rules(MAX_PAUSE_MS).digest
    rules = [InForce(START_MS, default, DEFAULT_RULES)]
    for entry in entries:
        if entry.name != RULES:
            continue
        if not entry.valid:
            rules.append(InForce(entry.at_ms, None, None))
        elif entry.value is None:
            rules.append(InForce(entry.at_ms, default, DEFAULT_RULES))
        else:
            rules.append(InForce(entry.at_ms, parse_rules(entry.value).digest, json.loads(entry.value)))
    return rules
