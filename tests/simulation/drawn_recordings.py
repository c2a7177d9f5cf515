"""The recordings of a seed: their states over time, close together or hours apart."""

from random import Random

from tests.simulation.recordings import Goal, Kind, Pause, Recording, State
from tests.simulation.times import HOUR, MINUTE, SECOND
from tests.simulation.world import START_MS


def recordings_of(random: Random, *, slow: bool) -> list[Recording]:
    """`slow`: their results take longer."""
    return [_recording(number, random, slow) for number in range(random.choice((1, 1, 2, 2, 3, 4)))]


def _recording(number: int, random: Random, slow: bool) -> Recording:
    at_ms = START_MS + random.choice((0, random.randrange(5 * SECOND), random.randrange(10 * MINUTE)))
    states: list[State] = []
    first = random.random() * (0.5 if slow else 1)
    if first < 0.1:
        states.append(State(at_ms, Kind.ABSENT))
    elif first < 0.25:
        states.append(State(at_ms, Kind.PENDING))
    elif first < 0.45:
        states.append(_goals_pending(at_ms, random))
    if states:
        at_ms += _gap(random, longest=2 * HOUR)
    if not states or random.random() < (0.3 if slow else 0.85):
        states.append(_ready(at_ms, random))
    elif states[-1].kind is Kind.PENDING:
        states.append(State(at_ms, Kind.FAILED))
    for _ in range(random.choice((0, 0, 1, 1, 2, 3)) if not slow else 0):
        at_ms += _gap(random, longest=20 * MINUTE)
        states.append(_again(at_ms, states, random))
    if states[-1].kind is Kind.PENDING and random.random() < 0.9:
        states.append(_ready(at_ms + _gap(random, longest=HOUR), random))
    return Recording(
        number,
        recording_id=100 + number,
        uuid=uuid_of(number, random),
        states=tuple(states),
        broken=random.choice(("400", "wrong types")) if random.random() < 0.04 else "",
    )


def _gap(random: Random, longest: int) -> int:
    """In ms. Mostly short, so that calls overlap; sometimes long."""
    return random.choice(
        (
            random.randint(20, 800),
            random.randint(200, 5 * SECOND),
            random.randint(SECOND, MINUTE),
            random.randint(1, longest),
        )
    )


def _again(at_ms: int, states: list[State], random: Random) -> State:
    """The next analysis of a recording."""
    choice = random.random()
    if choice < 0.08:
        return State(at_ms, Kind.ABSENT)
    if choice < 0.14:
        return State(at_ms, random.choice((Kind.PENDING, Kind.FAILED)))
    if choice < 0.22:
        return _goals_pending(at_ms, random)
    if choice < 0.3:
        earlier = random.choice(states)
        return State(at_ms, earlier.kind, earlier.goals, earlier.pauses)
    return _ready(at_ms, random, hasty=random.random() < 0.5)


def _ready(at_ms: int, random: Random, *, hasty: bool = False) -> State:
    goals = tuple(
        Goal(number, met=random.random() < 0.6, score=random.randrange(100) / 100)
        for number in range(1, random.randint(1, 3) + 1)
    )
    return State(at_ms, Kind.READY, goals, _pauses(random), hasty)


def _goals_pending(at_ms: int, random: Random) -> State:
    return State(at_ms, Kind.GOALS_PENDING, (), _pauses(random))


def _pauses(random: Random) -> tuple[Pause, ...]:
    lengths = (2_999, 3_000, 3_001, 5_000, 5_001, 7_000, 7_001, 90_000)
    return tuple(
        Pause(random.choice((10_000, 20_000, 30_000)) + number * 100_000, random.choice(lengths), random.random() < 0.3)
        for number in range(random.randint(0, 2))
    )


def violating(number: int, random: Random, at_ms: int = START_MS) -> Recording:
    """Ready from then on, with a violation under every document that reads goals."""
    return Recording(number, 100 + number, uuid_of(number, random), (State(at_ms, Kind.READY, (Goal(1, False, 0.1),)),))


def awaiting_goals(number: int, random: Random) -> Recording:
    """Its goals come an hour or more after its results."""
    results_ms = START_MS + random.randint(SECOND, 2 * MINUTE)
    states = (
        State(START_MS, Kind.PENDING),
        _goals_pending(results_ms, random),
        _ready(results_ms + random.randint(HOUR // 2, 2 * HOUR), random),
    )
    return Recording(number, 100 + number, uuid_of(number, random), states)


def uuid_of(number: int, random: Random) -> str:
    return f"0190{random.getrandbits(16):04x}-0000-7000-8000-{number:012x}"
