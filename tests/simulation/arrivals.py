"""The events of a seed, in every form that is accepted, and some that are not."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Final

from domain.wording import iso
from tests.simulation.recordings import Recording
from tests.simulation.times import HOUR, MINUTE, SECOND
from tests.simulation.world import START_MS

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
    """An event. `directly`: it invokes the function, and does not pass through the queue. `webhook`: it is posted."""

    at_ms: int
    name: str
    body: str
    recording: int | None
    discovery: bool = False
    directly: bool = False
    webhook: bool = False


def arrivals_of(random: Random, recordings: Sequence[Recording]) -> list[Arrival]:
    arrivals = [arrival for recording in recordings for arrival in _announced(recording, random)]
    if random.random() < 0.2:
        at_ms = START_MS + random.randrange(MINUTE)
        arrivals.append(Arrival(at_ms, "malformed event", random.choice(MALFORMED), None))
    return arrivals


def announced(recording: Recording, random: Random) -> Arrival:
    """One event, about its first state."""
    state = recording.states[0]
    return _arrival(recording, state.at_ms + random.randrange(500), f"event {recording.number}.0.0", random)


def queued(recording: Recording) -> Arrival:
    """The same by its UUID, straight into the queue."""
    body = json.dumps({"recording_id": recording.uuid})
    return Arrival(recording.states[0].at_ms, f"event {recording.number}.0.0", body, recording.number)


def numbered(recording: Recording, at_ms: int, place: int) -> Arrival:
    """An event in the queue, by the recording's number. `place` tells the events of a recording apart."""
    body = json.dumps({"recording_id": recording.recording_id})
    return Arrival(at_ms, f"event {recording.number}.{place}", body, recording.number)


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
