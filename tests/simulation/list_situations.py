"""Scenarios of discovery with one purpose each."""

from dataclasses import replace
from random import Random

from tests.simulation.arrivals import announced
from tests.simulation.discovery_plan import DiscoveryPlan
from tests.simulation.drawn_recordings import uuid_of
from tests.simulation.faults import FaultPlan
from tests.simulation.operator_entries import stored_at_first
from tests.simulation.recordings import Goal, Kind, Recording, State
from tests.simulation.scenario import Scenario
from tests.simulation.times import HOUR, MINUTE, SECOND
from tests.simulation.vendor_list import Listed
from tests.simulation.world import START_MS


def list_moves(random: Random) -> Scenario:
    """The newest recordings leave the list while discovery walks from them to older ones."""
    leaves = State(START_MS + HOUR, Kind.ABSENT, hasty=True)
    newest = [_ready(number, random, leaves) for number in range(3)]
    older = [_ready(number, random) for number in range(3, random.choice((5, 6, 7)))]
    plan = DiscoveryPlan(
        (*newest, *older),
        START_MS + SECOND,
        10 * MINUTE,
        lookback_hours=2,
        page_size=2,
        rest_ms=START_MS + HOUR,
        shifts=0.5,
    )
    return _discovered(plan)


def shrinks_to_one(random: Random) -> Scenario:
    """All but one recording leave the list while its ends are compared. Later it grows, by one without a time."""
    leaves = State(START_MS + HOUR, Kind.ABSENT, hasty=True)
    stays = _ready(0, random)
    oldest = [_ready(number, random, leaves) for number in (1, 2)]
    undated = replace(_created(3, random, START_MS + random.randrange(5, 25) * SECOND), dated=False)
    newest = _created(4, random, START_MS + random.randrange(30, 50) * SECOND)
    plan = DiscoveryPlan(
        (stays, *oldest, undated, newest),
        START_MS + SECOND,
        2 * MINUTE,
        lookback_hours=24,
        page_size=2,
        rest_ms=START_MS + HOUR,
        newest_first=False,
        shifts=1,
    )
    return _discovered(plan)


def succeeds_unannounced(random: Random) -> Scenario:
    """An analysis fails, and succeeds hours later without an event."""
    ready = State(START_MS + random.randrange(80 * MINUTE, 100 * MINUTE), Kind.READY, (Goal(1, met=True, score=0.9),))
    recording = Recording(0, 100, uuid_of(0, random), (State(START_MS, Kind.FAILED), ready))
    plan = DiscoveryPlan(
        (Listed(recording, START_MS),),
        START_MS + SECOND,
        HOUR,
        lookback_hours=24,
        page_size=2,
        rest_ms=START_MS + 2 * HOUR,
    )
    scenario = _discovered(plan)
    scenario.arrivals.append(announced(recording, random))
    return scenario


def few_requests(random: Random) -> Scenario:
    """One recording stands alone on the newest page, and a run has three requests."""
    plan = DiscoveryPlan(
        tuple(_ready(number, random) for number in range(random.choice((7, 9)))),
        START_MS + SECOND,
        5 * MINUTE,
        lookback_hours=24,
        page_size=2,
        rest_ms=START_MS + HOUR,
        newest_first=False,
    )
    scenario = _discovered(plan)
    scenario.limit = scenario.vendor_limit = 3
    return scenario


def _ready(number: int, random: Random, *later: State) -> Listed:
    """Completed in the minutes before the start, the first the newest."""
    return _created(number, random, START_MS - (number + 1) * MINUTE, *later)


def _created(number: int, random: Random, created_ms: int, *later: State) -> Listed:
    states = (State(created_ms, Kind.READY, (Goal(1, met=True, score=0.9),)), *later)
    return Listed(Recording(number, 100 + number, uuid_of(number, random), states), created_ms)


def _discovered(plan: DiscoveryPlan) -> Scenario:
    """Nothing fails."""
    return Scenario(
        evaluators=1,
        notifiers=1,
        limit=60,
        vendor_limit=60,
        recordings=[each.recording for each in plan.listed],
        arrivals=[],
        fault_plan=FaultPlan(START_MS),
        entries=stored_at_first(),
        discovery=plan,
    )
