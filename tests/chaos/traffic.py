"""What happens in the upheaval, from one seed: recordings with what each must come to, events, and faults.

What a recording must come to is known from what it was put together of, not from judging it.
"""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

from local.http_stub import Fault
from local.recordings import Recording, goal, pause
from tests.chaos.ledger import Expected

RECORDINGS = 600
AT_ONCE = 100  # events for a recording that was named just before
AGAIN = 250  # events for a recording that is judged already: each costs a request
MALFORMED = 50
SPOKEN = "what-was-said"  # in every explanation
VENDOR_LATENCY_SECONDS = 0.15
SLACK_LATENCY_SECONDS = 0.1

Way = Literal["queue", "eventbridge"]

_FIRST_NUMBER = 700_001
_EARLY = 200
_FAILED = 10  # recordings whose analysis failed

# Of what recordings are made, and whether that breaks a rule: pauses of so many milliseconds, compliant or not.
_PAUSES = {
    (1_200, False): False,
    (5_000, False): False,  # exactly the limit
    (5_001, False): True,
    (14_200, False): True,
    (30_000, True): False,  # compliant
}

# How the vendor treats the first requests about so many recordings.
_VENDOR_FAULTS = (
    (25, Fault("status", status=500, times=1)),
    (10, Fault("status", status=503, retry_after="3", times=1)),
    (5, Fault("status", status=429, retry_after="1", times=1)),
    (15, Fault("reset", times=1)),
    (15, Fault("reset_midway", times=1)),
    (6, Fault("hang", times=1)),
    (10, Fault("not_json", times=1)),
    (10, Fault("truncated", times=1)),
    (8, Fault("goals_pending", times=2)),  # results, then details
    (8, Fault("wrong_type", times=1)),
)
# How Slack treats the first message about so many recordings, of the first ones: a lost answer is waited out for long.
_SLACK_FAULTS = (
    (8, Fault("status", status=429, body="rate_limited", retry_after="2", times=1)),
    (8, Fault("status", status=503, body="", times=1)),
    (4, Fault("reset", times=1)),
    (4, Fault("lost_answer", times=1)),
)
_UNREADABLE = (
    "not JSON, {mark}",
    '{{"recording_id": "../{mark}"}}',
    '{{"recording_id": -1, "mark": "{mark}"}}',
    '{{"recording_id": null, "mark": "{mark}"}}',
    '["{mark}"]',
)
_UNREADABLE_DETAILS: tuple[dict[str, Any], ...] = ({"recording_id": 0}, {"recording_id": True}, {"recording": 5}, {})


@dataclass(frozen=True)
class Event:
    """`body` as it is put on the queue, or the detail of an EventBridge event."""

    way: Way
    body: str
    recording: int | None = None


@dataclass(frozen=True)
class Traffic:
    recordings: tuple[Recording, ...]
    expected: dict[int, Expected]
    first: tuple[Event, ...]  # one for each recording, some repeated at once, the unreadable ones among them
    again: tuple[Event, ...]  # one for each recording, to be sent once it is judged
    malformed: tuple[str, ...]
    vendor_faults: dict[int, Fault]
    slack_faults: dict[int, Fault]


def make(seed: int) -> Traffic:
    chance = random.Random(seed)
    made = [_recording(_FIRST_NUMBER + place, chance) for place in range(RECORDINGS)]
    for place in chance.sample(range(RECORDINGS), _FAILED):
        made[place] = (replace(made[place][0], status="failed"), Expected("analysis_failed"))
    recordings = tuple(recording for recording, _ in made)
    expected = {recording.id: outcome for recording, outcome in made}
    marks = tuple(f"malformed-{number:03d}" for number in range(1, MALFORMED + 1))
    named = [_naming(recording, chance) for recording in recordings]
    # Each is some places behind the event it repeats, or beside it: in one batch, or in two workers at once.
    for recording in chance.sample(recordings, AT_ONCE):
        place = next(place for place, event in enumerate(named) if event.recording == recording.id)
        named.insert(place + chance.randint(1, 40), _naming(recording, chance))
    for mark in marks:
        named.insert(chance.randrange(len(named)), _unreadable(mark, chance))
    judged = [recording for recording in recordings if recording.status == "completed"]
    vendor_faults = _spread(_VENDOR_FAULTS, [recording.id for recording in judged], chance)
    early = [number for number in list(expected)[:_EARLY] if number not in vendor_faults]
    return Traffic(
        recordings=recordings,
        expected=expected,
        first=tuple(named),
        again=tuple(_naming(recording, chance) for recording in chance.sample(judged, len(judged))),
        malformed=marks,
        vendor_faults=vendor_faults,
        slack_faults=_spread(_SLACK_FAULTS, [number for number in early if expected[number].violations], chance),
    )


def _recording(number: int, chance: random.Random) -> tuple[Recording, Expected]:
    goals, pauses, violations = [], [], set()
    for goal_id in range(1, chance.randint(2, 4)):
        met = chance.random() < 0.75
        goals.append(goal(goal_id, f"Goal {goal_id}", 0.9 if met else 0.2, f"{SPOKEN} about it."))
        if not met:
            violations.add(f"unmet-goal goal:{goal_id}")
    for place in range(chance.randint(0, 3)):
        length_ms, compliant = chance.choice(list(_PAUSES))
        start_ms = 60_000 * (place + 1)
        pauses.append(pause(start_ms, length_ms, compliant=compliant))
        if _PAUSES[length_ms, compliant]:
            violations.add(f"long-pause pause:{start_ms}-{start_ms + length_ms}")
    recording = Recording(number, f"Call {number}", goals, pauses)
    return recording, Expected("violations" if violations else "clear", frozenset(violations))


def _naming(recording: Recording, chance: random.Random) -> Event:
    name = chance.choice((recording.id, str(recording.id), recording.public_id, recording.public_id.upper()))
    return Event(chance.choice(("queue", "eventbridge")), json.dumps({"recording_id": name}), recording.id)


def _unreadable(mark: str, chance: random.Random) -> Event:
    if chance.random() < 0.5:
        return Event("queue", chance.choice(_UNREADABLE).format(mark=mark))
    return Event("eventbridge", json.dumps(chance.choice(_UNREADABLE_DETAILS) | {"mark": mark}))


def _spread(faults: tuple[tuple[int, Fault], ...], numbers: list[int], chance: random.Random) -> dict[int, Fault]:
    """Give each fault to as many recordings as it says, no recording two."""
    chosen: Iterator[int] = iter(chance.sample(numbers, sum(count for count, _ in faults)))
    return {next(chosen): fault for count, fault in faults for _ in range(count)}
