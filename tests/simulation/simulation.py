"""One seed from beginning to end."""

import json
from dataclasses import dataclass
from typing import Final

from adapters.rule_book import RULES
from adapters.slack import WEBHOOK_URL
from domain.rules import default_rules, parse_rules
from tests.simulation.functions import DirectInvocations, Environment, EventSourceMapping, Function
from tests.simulation.invariants import InForce, Invariants, Ledger
from tests.simulation.queue import Errand, Queue
from tests.simulation.recordings import DEFAULT_RULES, MAX_PAUSE_MS
from tests.simulation.scenario import Arrival, Entry, Scenario, imagine
from tests.simulation.slack import Slack
from tests.simulation.story import Story
from tests.simulation.topic import Topic
from tests.simulation.vendor import Vendor
from tests.simulation.weather import Outside
from tests.simulation.wiring import PREFIX, Parts, installed
from tests.simulation.world import START_MS, Broken, World

_HOUR_MS: Final = 3_600_000
_ENDS_WITHIN_MS: Final = 30 * _HOUR_MS
"""After all is well. What waits longest is given up after a day."""
BATCH_SIZES: Final = {"event": 10, "slack": 5}
"""As in template.yaml."""


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
    weather = scenario.weather
    outside = Outside(world, weather)
    invariants = Invariants(
        world,
        scenario.recordings,
        scenario.limit,
        _rules_in_force(scenario.entries),
        parameters_fail=weather.error + weather.lost > 0 or bool(weather.aws_outages),
        slack_may_be_off=any(entry.name == WEBHOOK_URL and entry.value is None for entry in scenario.entries),
    )
    topic = Topic(world, weather, invariants.slack_queue, invariants.published)
    entries: dict[str, str] = {}
    parts = Parts(
        outside,
        invariants,
        topic,
        Vendor(
            outside, scenario.recordings, scenario.vendor_limit, scenario.outages, scenario.vendor_faults, invariants
        ),
        Slack(outside, scenario.slack_outages, scenario.slack_faults, invariants),
        entries,
        scenario.limit,
    )

    def skew_ms() -> int:
        return world.between(-scenario.skew_ms, scenario.skew_ms)

    def environments(kind: str, number: int) -> list[Environment]:
        return [Environment(f"{kind}-{index}", skew_ms()) for index in range(1, number + 1)]

    evaluate = Function(
        world, weather, parts.evaluation_worker, environments("evaluate", scenario.evaluators)
    )
    notify = Function(world, weather, parts.slack_worker, environments("notify", scenario.notifiers))
    EventSourceMapping(world, weather, invariants.event_queue, evaluate, BATCH_SIZES["event"], invariants)
    EventSourceMapping(world, weather, invariants.slack_queue, notify, BATCH_SIZES["slack"], invariants)
    directly = DirectInvocations(world, evaluate, skew_ms, invariants.event_dead_letters, invariants)

    def arrive(arrival: Arrival) -> None:
        about = Errand(arrival.name, arrival.recording, world.now_ms, world.now_ms, arrival.discovery)
        invariants.accepted(about)
        if arrival.directly:
            directly.invoke(json.loads(arrival.body), arrival.body, about)
        else:
            world.tell("sender", "{}: {}", arrival.name, arrival.body[:100])
            invariants.event_queue.send(arrival.body, about)

    def store(entry: Entry) -> None:
        world.tell("operator", "stores {}", entry.name)
        entries.pop(f"{PREFIX}/{entry.name}", None)
        if entry.value is not None:
            entries[f"{PREFIX}/{entry.name}"] = entry.value

    def redrive() -> None:
        for dead_letters, queue in (
            (invariants.event_dead_letters, invariants.event_queue),
            (invariants.slack_dead_letters, invariants.slack_queue),
        ):
            _redrive(world, dead_letters, queue)

    for entry in scenario.entries:
        world.at(entry.at_ms, lambda entry=entry: store(entry))
    for arrival in scenario.arrivals:
        world.at(arrival.at_ms, lambda arrival=arrival: arrive(arrival))
    for at_ms in scenario.redrives_ms:
        world.at(at_ms, redrive)
    for recording in scenario.recordings:
        for state in recording.states:
            what = f"recording {recording.number} is {state.kind.name.lower()}"
            world.at(state.at_ms, lambda what=what: world.tell("vendor", what))
    world.at(weather.clears_ms, lambda: world.tell("weather", "all is well from now on"))
    with installed(parts):
        world.run(weather.clears_ms + _ENDS_WITHIN_MS)
        invariants.check_end()
        if scenario.redrive_at_end:
            redrive()
            world.run(world.now_ms + _ENDS_WITHIN_MS)
            invariants.check_end()
            invariants.check_redriven()
    return invariants.ledger


def _redrive(world: World, dead_letters: Queue, queue: Queue) -> None:
    moved = dead_letters.redrive_to(queue)
    if moved:
        world.tell("operator", "redrives {} of {}", moved, dead_letters.name)


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
