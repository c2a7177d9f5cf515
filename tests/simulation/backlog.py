"""A backlog of many times the request limit, without faults: how much of the limit is used."""

import json
from collections import Counter
from dataclasses import dataclass
from random import Random
from typing import Final

from tests.simulation.arrivals import Arrival
from tests.simulation.faults import FaultPlan
from tests.simulation.operator_entries import stored_at_first
from tests.simulation.recordings import Goal, Kind, Recording, State
from tests.simulation.scenario import Scenario
from tests.simulation.simulation import run_scenario
from tests.simulation.world import START_MS, World

_WINDOW_MS: Final = 60_000


@dataclass(frozen=True)
class Backlog:
    """The result. `share`: requests sent, relative to those that the limit allows in the same time, initial burst
    included. Both count whole limits' worth of requests only."""

    share: float
    minutes: float
    requests: int
    refused: int
    events: int
    recordings: int
    deferrals: Counter[int]
    """How many events were deferred how often."""
    dead_letters: int
    doubled: int
    """Alerts that were published more than once."""

    @property
    def mean_deferrals(self) -> float:
        return sum(times * events for times, events in self.deferrals.items()) / self.events


def work_off(
    seed: int = 0,
    *,
    limit: int = 60,
    times: int = 10,
    evaluators: int = 5,
    duplicates: float = 0.1,
    alerting: float = 0.1,
    without_goals: float = 0,
) -> Backlog:
    """Work off `times` the limit's recordings, all announced at once. Raises `Violated`.

    `duplicates`: further events for each recording.
    """
    recordings, arrivals = announced(seed, limit * times, duplicates, alerting, without_goals)
    scenario = Scenario(
        evaluators=evaluators,
        notifiers=2,
        limit=limit,
        vendor_limit=limit,
        recordings=recordings,
        arrivals=arrivals,
        fault_plan=FaultPlan(faults_end_ms=START_MS),
        entries=stored_at_first(),
        redrive_at_end=False,
    )
    ledger = run_scenario(scenario, World(f"backlog {seed}"))
    sent_ms = ledger.requests_ms
    whole = len(sent_ms) // limit * limit
    took_ms = sent_ms[whole - 1] - sent_ms[0] + _WINDOW_MS
    return Backlog(
        share=whole / (limit * took_ms / _WINDOW_MS),
        minutes=(sent_ms[-1] - sent_ms[0]) / _WINDOW_MS,
        requests=len(sent_ms),
        refused=ledger.refused_429,
        events=len(arrivals),
        recordings=len(recordings),
        deferrals=Counter(ledger.deferrals[arrival.name] for arrival in arrivals),
        dead_letters=int(sum(count for name, count in ledger.metrics.items() if name[0] == "EventsDeadLettered")),
        doubled=sum(len(sent) - 1 for sent in ledger.published.values()),
    )


def announced(
    seed: int, number: int, duplicates: float = 0.1, alerting: float = 0.1, without_goals: float = 0
) -> tuple[list[Recording], list[Arrival]]:
    """`number` recordings and their events, all at once and in random order."""
    random = Random(f"backlog {seed}")
    recordings = [_recording(number, random, alerting, without_goals) for number in range(number)]
    whole, part = divmod(duplicates, 1)
    numbers = [*range(number)] * (1 + int(whole)) + random.sample(range(number), int(number * part))
    random.shuffle(numbers)
    arrivals = [
        Arrival(START_MS + place, f"event {place}", json.dumps({"recording_id": 100 + number}), number)
        for place, number in enumerate(numbers)
    ]
    return recordings, arrivals


def _recording(number: int, random: Random, alerting: float, without_goals: float) -> Recording:
    met = random.random() >= alerting
    goals = () if random.random() < without_goals else (Goal(1, met, 0.3),)
    uuid = f"0190{random.getrandbits(16):04x}-0000-7000-8000-{number:012x}"
    return Recording(number, 100 + number, uuid, (State(START_MS, Kind.READY, goals),))
