"""One seed from beginning to end."""

import json
from dataclasses import dataclass
from functools import partial
from typing import Final

from adapters.rule_book import RULES
from adapters.slack.webhook import WEBHOOK_URL
from domain.rules.document import default_rules, parse_rules
from tests.simulation.functions import DirectInvocations, Environment, EventSourceMapping, Function
from tests.simulation.invariants import InForce, Invariants, Ledger
from tests.simulation.queue import Errand
from tests.simulation.recordings import DEFAULT_RULES, MAX_PAUSE_MS, Recording
from tests.simulation.scenario import Arrival, Entry, Scenario, imagine
from tests.simulation.slack import Slack
from tests.simulation.story import Story
from tests.simulation.topic import Topic
from tests.simulation.vendor import Vendor
from tests.simulation.weather import Outside
from tests.simulation.wiring import PREFIX, Parts, installed
from tests.simulation.world import START_MS, Broken, World

_ENDS_WITHIN_MS: Final = 30 * 3_600_000
"""After all is well. What waits longest is given up after a day."""
_EVENTS_AT_ONCE: Final = 10
_ALERTS_AT_ONCE: Final = 5
"""Batch sizes, as in template.yaml."""


@dataclass(frozen=True)
class Finding:
    """An invariant that did not hold."""

    seed: int
    invariant: int
    text: str

    def __str__(self) -> str:
        return f"seed {self.seed}, {self.text}"


def run(seed: int, story: Story | None = None) -> Finding | None:
    """Play a seed; what was found wrong, if anything."""
    try:
        play(imagine(seed), World(seed, story))
    except Broken as broken:
        return Finding(seed, broken.invariant, str(broken))
    return None


def play(scenario: Scenario, world: World) -> Ledger:
    """Play a scenario to its end. Raises `Broken`."""
    return _Simulation(scenario, world).play()


class _Simulation:
    def __init__(self, scenario: Scenario, world: World) -> None:
        weather = scenario.weather
        outside = Outside(world, weather)
        checked = Invariants(
            world,
            scenario.recordings,
            scenario.limit,
            _rules_in_force(scenario.entries),
            parameters_fail=weather.error + weather.lost > 0 or bool(weather.aws_outages),
            slack_may_be_off=any(entry.name == WEBHOOK_URL and entry.value is None for entry in scenario.entries),
        )
        self._scenario = scenario
        self._world = world
        self._checked = checked
        self._entries: dict[str, str] = {}
        self._parts = Parts(
            outside=outside,
            invariants=checked,
            topic=Topic(world, weather, checked.slack_queue, checked.published),
            vendor=Vendor(outside, scenario, self._announce, checked),
            slack=Slack(outside, scenario.slack_outages, scenario.slack_faults, checked),
            parameters=self._entries,
            limit=scenario.limit,
        )
        evaluators = self._environments("evaluate", scenario.evaluators)
        notifiers = self._environments("notify", scenario.notifiers)
        evaluate = Function(world, weather, self._parts.evaluation_worker, evaluators)
        notify = Function(world, weather, self._parts.slack_worker, notifiers)
        EventSourceMapping(world, weather, checked.event_queue, evaluate, _EVENTS_AT_ONCE, checked)
        EventSourceMapping(world, weather, checked.slack_queue, notify, _ALERTS_AT_ONCE, checked)
        self._directly = DirectInvocations(world, evaluate, self._skew_ms, checked.event_dead_letters, checked)

    def play(self) -> Ledger:
        scenario, world = self._scenario, self._world
        for entry in scenario.entries:
            world.at(entry.at_ms, partial(self._store, entry))
        for arrival in scenario.arrivals:
            world.at(arrival.at_ms, partial(self._arrive, arrival))
        for at_ms in scenario.redrives_ms:
            world.at(at_ms, self._redrive)
        for recording in scenario.recordings:
            for index, state in enumerate(recording.states):
                world.at(state.at_ms, partial(self._tell_of, recording, index))
        world.at(scenario.weather.clears_ms, partial(world.tell, "weather", "all is well from now on"))
        with installed(self._parts):
            world.run(scenario.weather.clears_ms + _ENDS_WITHIN_MS)
            self._checked.check_end()
            if scenario.redrive_at_end:
                self._redrive()
                world.run(world.now_ms + _ENDS_WITHIN_MS)
                self._checked.check_end()
                self._checked.check_redriven()
        return self._checked.ledger

    def _environments(self, kind: str, number: int) -> list[Environment]:
        return [Environment(f"{kind}-{index}", self._skew_ms()) for index in range(1, number + 1)]

    def _skew_ms(self) -> int:
        return self._world.between(-self._scenario.skew_ms, self._scenario.skew_ms)

    # ── what happens outside ──

    def _arrive(self, arrival: Arrival) -> None:
        world = self._world
        errand = Errand(arrival.name, arrival.recording, world.now_ms, world.now_ms, arrival.discovery)
        self._checked.accepted(errand)
        if arrival.directly:
            self._directly.invoke(json.loads(arrival.body), arrival.body, errand)
        else:
            world.tell("sender", "{}: {}", arrival.name, arrival.body[:100])
            self._checked.event_queue.send(arrival.body, errand)

    def _announce(self, recording: Recording, index: int) -> None:
        """A state has come earlier than planned, and perhaps an event about it does too."""
        world = self._world
        self._tell_of(recording, index)
        if world.chance(0.5):
            return
        body = json.dumps({"recording_id": recording.recording_id})
        at_ms = world.now_ms + world.between(0, 300)
        early = Arrival(at_ms, f"event {recording.number}.{index}.early", body, recording.number)
        world.at(at_ms, partial(self._arrive, early))

    def _tell_of(self, recording: Recording, index: int) -> None:
        kind = recording.states[index].kind.name.lower().replace("_", " ")
        self._world.tell("vendor", "recording {} is {} (state {})", recording.number, kind, index)

    def _store(self, entry: Entry) -> None:
        self._world.tell("operator", "stores {}", entry.name)
        self._entries.pop(f"{PREFIX}/{entry.name}", None)
        if entry.value is not None:
            self._entries[f"{PREFIX}/{entry.name}"] = entry.value

    def _redrive(self) -> None:
        checked = self._checked
        for dead_letters, queue in (
            (checked.event_dead_letters, checked.event_queue),
            (checked.slack_dead_letters, checked.slack_queue),
        ):
            if moved := dead_letters.redrive_to(queue):
                self._world.tell("operator", "redrives {} of {}", moved, dead_letters.name)


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
