"""What a seed brings for discovery and the webhook: the vendor's list, the timer, the operator, the sender."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import TYPE_CHECKING, Final

from adapters.webhook_gate import WEBHOOK_SECRET as WEBHOOK_ENTRY
from tests.simulation.arrivals import Arrival
from tests.simulation.operator_entries import Entry
from tests.simulation.recordings import Goal, Kind, Recording, State
from tests.simulation.times import HOUR, MINUTE
from tests.simulation.vendor_list import Listed
from tests.simulation.webhook_sender import SECRET
from tests.simulation.world import START_MS

if TYPE_CHECKING:
    from tests.simulation.scenario import Scenario

_SHARE: Final = 1 / 3
"""Of the seeds. Discovery and the webhook make a seed dearer."""
_COMPLETION_MS: Final = 20 * MINUTE
"""The vendor lists a recording up to this long after its creation."""
_MOST_RUNS: Final = 10
_LEAST_LIMIT: Final = 6
_LEAST_FOR_RARE_RUNS: Final = 8
_RUNS_FOR_THE_LIST: Final = 6
"""With the least limit, a run gets on by a page or two. It must end before the next look at the whole lookback."""
_RATES: Final[tuple[tuple[int, tuple[int, ...]], ...]] = (
    (MINUTE, (1, 6, 24)),
    (5 * MINUTE, (1, 2, 24)),
    (10 * MINUTE, (1, 2, 24)),
    (HOUR, (2, 6, 24)),
    (8 * HOUR, (24,)),
    (18 * HOUR, (24,)),
)
"""Rates of the timer in ms, each with lookbacks in hours. Those are longer than the rate and 23 minutes."""


@dataclass(frozen=True)
class DiscoveryPlan:
    listed: tuple[Listed, ...]
    first_ms: int
    """The timer's first run."""
    every_ms: int
    lookback_hours: int
    page_size: int
    rest_ms: int
    """From then on nothing changes at the vendor, and no run is skipped."""
    newest_first: bool = True
    by_uuid: bool = False
    """The list names recordings by their UUIDs."""
    filter_ignored: bool = False
    """The list shows unfinished recordings too."""
    not_found_beyond_the_end: bool = False
    shifts: float = 0
    """How probably the list changes after a page was read."""
    skipped: float = 0
    doubled: float = 0
    """How probably the timer loses a run, or starts two at once."""
    histories: tuple[tuple[int, int], ...] = ()
    """When the operator asks for how many hours of history."""
    repeats: float = 0
    """How probably the webhook's sender tries again after a failure."""
    strangers: tuple[int, ...] = ()
    """When somebody without the secret calls the webhook."""

    @property
    def lookback_ms(self) -> int:
        return self.lookback_hours * HOUR


def add_discovery(seed: int, scenario: "Scenario") -> None:
    """Have discovery and the webhook take part in a share of the seeds. Other seeds stay as they are."""
    random = Random(f"discovery {seed}")
    if random.random() >= _SHARE:
        return
    period_ms = scenario.fault_plan.faults_end_ms - START_MS
    first_ms = START_MS + random.choice((0, random.randrange(2 * MINUTE), random.randrange(period_ms)))
    listed = _add_recordings(scenario, random, period_ms)
    scenario.arrivals[:] = [_perhaps_posted(arrival, scenario.recordings, random) for arrival in scenario.arrivals]
    scenario.entries.insert(0, Entry(START_MS, WEBHOOK_ENTRY, SECRET))
    histories = _histories(random, period_ms)
    changes_ms = [state.at_ms for each in listed for state in each.recording.states]
    changes_ms += [arrival.at_ms for arrival in scenario.arrivals] + [at_ms for at_ms, _ in histories]
    rest_ms = max(scenario.fault_plan.faults_end_ms, *changes_ms)
    every_ms, lookbacks = random.choice([rate for rate in _RATES if rest_ms - START_MS < _MOST_RUNS * rate[0]])
    scenario.vendor_faults = random.choice((0, 0.05, 0.3, 0.5))
    lookback_hours = random.choice(lookbacks)
    often = _RUNS_FOR_THE_LIST * every_ms <= lookback_hours * HOUR // 2
    # A run reads the newest page, the page where the last one stopped, and the one behind it; some read one more.
    least = _LEAST_LIMIT if often else _LEAST_FOR_RARE_RUNS
    scenario.limit, scenario.vendor_limit = max(scenario.limit, least), max(scenario.vendor_limit, least)
    scenario.discovery = DiscoveryPlan(
        tuple(listed),
        first_ms,
        every_ms,
        lookback_hours=lookback_hours,
        page_size=random.choice((2, 2, 3, 100)),
        rest_ms=rest_ms,
        newest_first=random.random() < 0.5,
        by_uuid=random.random() < 0.2,
        filter_ignored=random.random() < 0.2,
        not_found_beyond_the_end=random.random() < 0.5,
        shifts=random.choice((0, 0.3, 0.8)),
        skipped=random.choice((0, 0.2)),
        doubled=random.choice((0, 0.2)),
        histories=histories,
        repeats=random.choice((0, 0.5, 0.9)),
        strangers=(START_MS + random.randrange(period_ms),) if random.random() < 0.1 else (),
    )


def _add_recordings(scenario: "Scenario", random: Random, period_ms: int) -> list[Listed]:
    """The list: the scenario's recordings and further ones, some of which the webhook announces."""
    listed = [Listed(each, each.states[0].at_ms - random.randrange(_COMPLETION_MS)) for each in scenario.recordings]
    for _ in range(random.choice((1, 2, 3, 4, 6))):
        further = _further(len(listed), random, min(period_ms, 2 * HOUR))
        listed.append(further)
        scenario.recordings.append(further.recording)
        if further.created_ms > START_MS - HOUR and random.random() < 0.5:
            scenario.arrivals.append(_webhook(further.recording, random))
    if random.random() < 0.25:
        dated = random.random() < 0.5
        listed[-1] = replace(listed[-1], dated=dated, named=not dated)
    return listed


def _histories(random: Random, period_ms: int) -> tuple[tuple[int, int], ...]:
    if random.random() < 0.75:
        return ()
    return ((START_MS + random.randrange(period_ms), random.choice((1, 2, 48))),)


def _further(number: int, random: Random, period_ms: int) -> Listed:
    """One more recording: of before the first start, new, or completed late. It is seldom a violation."""
    at_ms = START_MS + random.randrange(period_ms)
    ready = State(at_ms, Kind.READY, (Goal(1, met=random.random() < 0.8, score=0.5),))
    created_ms = at_ms - random.choice((0, random.randrange(_COMPLETION_MS)))
    states = [ready]
    match random.choice(("old", "new", "new", "new", "late")):
        case "old":
            created_ms = START_MS - 40 * MINUTE - random.randrange(4 * HOUR)
            states = [replace(ready, at_ms=created_ms + MINUTE)]
            if random.random() < 0.7:
                states.append(State(at_ms, Kind.ABSENT, hasty=True))
        case "late":
            states = [
                State(created_ms, Kind.PENDING),
                replace(ready, at_ms=at_ms + random.randrange(2 * HOUR), hasty=random.random() < 0.5),
            ]
        case _:
            if random.random() < 0.2:
                states.append(State(at_ms + random.randrange(HOUR), Kind.ABSENT, hasty=random.random() < 0.8))
    uuid = f"0190{random.getrandbits(16):04x}-0000-7000-8000-{number:012x}"
    return Listed(Recording(number, 100 + number, uuid, tuple(states)), created_ms)


def _webhook(recording: Recording, random: Random) -> Arrival:
    state = random.choice(recording.states)
    at_ms = state.at_ms + random.randrange(MINUTE)
    return Arrival(at_ms, f"event {recording.number}", _body(recording, random), recording.number, webhook=True)


def _perhaps_posted(arrival: Arrival, recordings: Sequence[Recording], random: Random) -> Arrival:
    """Some events that would reach the queue anyhow come by the webhook."""
    if arrival.directly or arrival.discovery or arrival.recording is None or arrival.webhook or random.random() < 0.5:
        return arrival
    body = _body(recordings[arrival.recording], random)
    return replace(arrival, name=f"posted {arrival.name}", body=body, webhook=True)


def _body(recording: Recording, random: Random) -> str:
    data = {random.choice(("id", "recording_id", "public_id")): random.choice((recording.recording_id, recording.uuid))}
    return json.dumps({"type": random.choice(("recording.analyzed", "recording.updated")), "data": data})
