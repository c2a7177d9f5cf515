"""The scenario of a seed: recordings and their analyses, events, faults, outages, and the operator's changes."""

import json
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

from adapters.identitycall.client import API_KEY as API_KEY_ENTRY
from adapters.rule_book import RULES
from adapters.slack.webhook import WEBHOOK_URL as WEBHOOK_ENTRY
from domain.wording import iso
from tests.simulation import slack, vendor
from tests.simulation.faults import AwsOutage, FaultPlan
from tests.simulation.recordings import DEFAULT_RULES, DOCUMENTS, INVALID_DOCUMENTS, Goal, Kind, Pause, Recording, State
from tests.simulation.slack import SlackOutage
from tests.simulation.vendor import Outage
from tests.simulation.world import START_MS

SECOND: Final = 1_000
MINUTE: Final = 60_000
HOUR: Final = 3_600_000
MALFORMED: Final = (
    "no JSON",
    "[]",
    "{}",
    '{"recording_id": "../1"}',
    '{"recording_id": 0}',
    '{"recording_id": -1}',
    '{"recording_id": true}',
    '{"recording_id": 1e400}',
    '{"source": "identitycall", "detail-type": "Recording Analyzed", "detail": "?"}',
)


@dataclass(frozen=True)
class Arrival:
    """An event. `directly`: it invokes the function, and does not pass through the queue."""

    at_ms: int
    name: str
    body: str
    recording: int | None
    discovery: bool = False
    directly: bool = False


@dataclass(frozen=True)
class Entry:
    """What the operator stores in Parameter Store; `None` deletes it. `valid`: whether it is a usable document."""

    at_ms: int
    name: str
    value: str | None
    valid: bool = True


@dataclass
class Scenario:
    evaluators: int
    notifiers: int
    limit: int
    vendor_limit: int
    recordings: list[Recording]
    arrivals: list[Arrival]
    fault_plan: FaultPlan
    entries: list[Entry] = field(default_factory=list)
    outages: list[Outage] = field(default_factory=list)
    slack_outages: list[SlackOutage] = field(default_factory=list)
    vendor_faults: float = 0
    slack_faults: float = 0
    slow_vendor: bool = False
    redrives_ms: list[int] = field(default_factory=list)
    redrive_at_end: bool = True
    skew_ms: int = 150
    """Clocks are up to this much ahead or behind."""


def scenario_of(seed: int) -> Scenario:
    """The scenario of a seed."""
    random = Random(f"scenario {seed}")
    aws_outages = _aws_outages(random)
    # In an AWS outage, events become dead letters while they wait: use recordings that take longer.
    slow = bool(aws_outages)
    recordings = [_recording(number, random, slow) for number in range(random.choice((1, 1, 2, 2, 3, 4)))]
    arrivals = [arrival for recording in recordings for arrival in _announced(recording, random)]
    if random.random() < 0.2:
        at_ms = START_MS + random.randrange(MINUTE)
        arrivals.append(Arrival(at_ms, "malformed event", random.choice(MALFORMED), None))
    outages = _outages(random)
    slack_outages = _slack_outages(random)
    entries = _entries(random)
    ends = [arrival.at_ms for arrival in arrivals] + [entry.at_ms for entry in entries]
    ends += [outage.until_ms for outage in outages] + [outage.until_ms for outage in slack_outages]
    ends += [outage.until_ms for outage in aws_outages]
    faults_end_ms = max(ends) + 30 * SECOND
    return Scenario(
        evaluators=random.choice((1, 2, 2, 3, 4, 6, 8)),
        notifiers=random.choice((1, 2, 2)),
        limit=(limit := random.choice((3, 5, 8, 20, 60))),
        vendor_limit=limit if random.random() < 0.8 else max(2, limit // 2),
        recordings=recordings,
        arrivals=arrivals,
        fault_plan=_fault_plan(random, faults_end_ms, aws_outages),
        entries=entries,
        outages=outages,
        slack_outages=slack_outages,
        vendor_faults=random.choice((0, 0, 0.05, 0.3)),
        slack_faults=random.choice((0, 0.1, 0.4)),
        slow_vendor=random.random() < 0.2,
        redrives_ms=[random.randrange(START_MS, faults_end_ms) for _ in range(random.choice((0, 0, 1, 2)))],
        redrive_at_end=random.random() < 0.8,
        skew_ms=random.choice((0, 100, 240)),
    )


def _fault_plan(random: Random, faults_end_ms: int, aws_outages: tuple[AwsOutage, ...]) -> FaultPlan:
    if random.random() < 0.1:
        return FaultPlan(faults_end_ms)
    return FaultPlan(
        faults_end_ms,
        faults_left=random.choice((3, 10, 30, 60)),
        crash_probability=random.choice((0, 0, 0.01, 0.03, 0.06)),
        error_probability=random.choice((0, 0, 0.01, 0.03)),
        lost_answer_probability=random.choice((0, 0, 0.01, 0.03)),
        repeat_probability=random.choice((0, 0, 0.02)),
        delay_probability=random.choice((0, 0, 0.02, 0.05)),
        duplicate_probability=random.choice((0, 0.1, 0.3)),
        aws_outages=aws_outages,
        slow_answer_probability=random.choice((0, 0, 0.1, 0.4)),
    )


# ── recordings ──


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
        uuid=f"0190{random.getrandbits(16):04x}-0000-7000-8000-{number:012x}",
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


# ── events ──


def _announced(recording: Recording, random: Random) -> list[Arrival]:
    arrivals = []
    for index, state in enumerate(recording.states):
        if index and random.random() < 0.15:
            continue
        together_ms = _soon(random) if random.random() < 0.5 else None
        for copy in range(random.choice((1, 1, 2, 3))):
            at_ms = state.at_ms + (_soon(random) if together_ms is None else together_ms)
            arrivals.append(_arrival(recording, at_ms, f"event {recording.number}.{index}.{copy}", random))
    return arrivals


def _soon(random: Random) -> int:
    return random.choice((0, random.randrange(500), random.randrange(3 * SECOND), random.randrange(MINUTE)))


def _arrival(recording: Recording, at_ms: int, name: str, random: Random) -> Arrival:
    about: Any = random.choice(
        (recording.recording_id, str(recording.recording_id), recording.uuid, recording.uuid.upper())
    )
    directly = discovery = False
    event: dict[str, Any]
    match random.choice(("bare", "bare", "eventbridge", "direct", "webhook", "sns", "discovery")):
        case "bare":
            event = {"recording_id": about}
        case "discovery":
            event = {"recording_id": about, "source": "discovery"}
            discovery = True
        case "eventbridge":
            # In the queue its time is part of the payload, and may be wrong.
            event = _eventbridge(about, at_ms + random.choice((0, -HOUR, -24 * HOUR, HOUR)))
        case "direct":
            event = _eventbridge(about, at_ms // SECOND * SECOND)
            directly = True
        case "webhook":
            event = {"type": "recording.analyzed", "data": {random.choice(("id", "recording_id", "public_id")): about}}
        case _:
            event = {"Type": "Notification", "Message": json.dumps({"recording_id": about})}
    return Arrival(at_ms, name, json.dumps(event), recording.number, discovery, directly)


def _eventbridge(about: object, time_ms: int) -> dict[str, Any]:
    return {
        "version": "0",
        "id": "7bf73129-1428-4cd3-a780-95db273d1602",
        "source": "identitycall",
        "detail-type": "Recording Analyzed",
        "time": iso(time_ms),
        "detail": {"recording_id": about},
    }


# ── outages and the operator ──


def _while(random: Random, longest: int) -> tuple[int, int]:
    from_ms = START_MS + random.choice((0, random.randrange(MINUTE), random.randrange(15 * MINUTE)))
    return from_ms, from_ms + random.choice((random.randint(SECOND, MINUTE), random.randint(SECOND, longest)))


def _outages(random: Random) -> list[Outage]:
    """The vendor's outages: most are short, some take hours, few more than a day."""
    outages = []
    while random.random() < 0.3:
        longest = random.choices((20 * MINUTE, 6 * HOUR, 26 * HOUR), (10, 3, 1))[0]
        outages.append(Outage(*_while(random, longest), random.choice((*vendor.DOWN, "401", "403"))))
    return outages


def _slack_outages(random: Random) -> list[SlackOutage]:
    outages = []
    while random.random() < 0.2:
        outages.append(SlackOutage(*_while(random, 2 * HOUR), random.choice((*slack.FAULTS, *slack.REFUSALS))))
    return outages


def _aws_outages(random: Random) -> tuple[AwsOutage, ...]:
    """Some are so long that a message is received five times."""
    if random.random() < 0.87:
        return ()
    from_ms = START_MS + random.randrange(3 * MINUTE)
    until_ms = from_ms + random.choice((random.randint(SECOND, MINUTE), random.randint(4 * MINUTE, 15 * MINUTE)))
    return (AwsOutage(random.choice(("dynamodb", "dynamodb", "sns", "sqs", "ssm")), from_ms, until_ms),)


def _entries(random: Random) -> list[Entry]:
    """The stored parameters, and the operator's changes to them."""
    entries = [
        Entry(START_MS, API_KEY_ENTRY, vendor.API_KEY),
        Entry(START_MS, WEBHOOK_ENTRY, slack.WEBHOOK_URL),
    ]
    for name, value, wrong in (
        (API_KEY_ENTRY, vendor.API_KEY, (None, "idc_SECRETbutrevoked0000000000000000", "SECRET, mistyped")),
        (WEBHOOK_ENTRY, slack.WEBHOOK_URL, ("SECRET, mistyped", None)),
    ):
        if random.random() < 0.07:
            from_ms, until_ms = _while(random, HOUR)
            entries += [Entry(from_ms, name, random.choice(wrong)), Entry(until_ms, name, value)]
    if random.random() < 0.4:
        entries.append(Entry(START_MS, RULES, _document(random)))
    if random.random() < 0.2:
        entries.append(Entry(START_MS + random.randrange(10 * MINUTE), RULES, _document(random)))
    if random.random() < 0.08:
        from_ms, until_ms = _while(random, HOUR)
        entries += [
            Entry(from_ms, RULES, random.choice(INVALID_DOCUMENTS), valid=False),
            Entry(until_ms, RULES, _document(random)),
        ]
    return sorted(entries, key=lambda entry: entry.at_ms)


def _document(random: Random) -> str | None:
    document = random.choice(DOCUMENTS)
    return None if document is DEFAULT_RULES and random.random() < 0.5 else json.dumps(document)
