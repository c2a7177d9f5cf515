"""Scenarios with one purpose each: what a seed that has everything at once hardly ever meets."""

import json
from dataclasses import replace
from random import Random

from adapters.rule_book import RULES
from adapters.slack.webhook import WEBHOOK_URL
from tests.simulation.arrivals import announced, arrivals_of, numbered, queued
from tests.simulation.documents import DOCUMENTS
from tests.simulation.drawn_faults import fault_plan_of
from tests.simulation.drawn_recordings import awaiting_goals, recordings_of, uuid_of, violating
from tests.simulation.faults import AwsOutage, FaultPlan
from tests.simulation.operator_entries import Entry, goals_read_later, stored_at_first
from tests.simulation.recordings import Goal, Kind, Recording, State
from tests.simulation.scenario import Scenario
from tests.simulation.times import MINUTE, SECOND
from tests.simulation.vendor import Outage
from tests.simulation.world import START_MS


def rest(random: Random) -> Scenario:
    """Nothing fails, and requests are free for all."""
    recordings = recordings_of(random, slow=False)
    arrivals = arrivals_of(random, recordings)
    faults_end_ms = max([START_MS, *(arrival.at_ms for arrival in arrivals)])
    return Scenario(
        evaluators=random.choice((2, 4)),
        notifiers=2,
        limit=60,
        vendor_limit=60,
        recordings=recordings,
        arrivals=arrivals,
        fault_plan=FaultPlan(faults_end_ms),
        entries=stored_at_first(),
        email=random.choice(((), None)),
        skew_ms=random.choice((0, 240)),
    )


def burst(random: Random) -> Scenario:
    """Many alerts at once, and only e-mail is configured: nothing but its own pause slows it down."""
    recordings = [violating(number, random) for number in range(14)]
    arrivals = [announced(recording, random) for recording in recordings]
    return Scenario(
        evaluators=4,
        notifiers=2,
        limit=60,
        vendor_limit=60,
        recordings=recordings,
        arrivals=arrivals,
        fault_plan=FaultPlan(START_MS) if random.random() < 0.5 else fault_plan_of(random, START_MS + MINUTE, ()),
        entries=[entry for entry in stored_at_first() if entry.name != WEBHOOK_URL],
        email=(),
    )


def changed_rules(random: Random) -> Scenario:
    """Rules that read goals come into force while recordings wait, and requests are scarce."""
    recordings = [awaiting_goals(number, random) for number in range(random.choice((3, 4)))]
    arrivals = arrivals_of(random, recordings)
    entries = [*stored_at_first(), *goals_read_later(random)]
    ends = [arrival.at_ms for arrival in arrivals] + [entry.at_ms for entry in entries]
    faults_end_ms = max(ends) + 30 * SECOND
    return Scenario(
        evaluators=random.choice((1, 2)),
        notifiers=1,
        limit=random.choice((2, 3)),
        vendor_limit=3,
        recordings=recordings,
        arrivals=arrivals,
        fault_plan=fault_plan_of(random, faults_end_ms, ()),
        entries=entries,
        vendor_faults=0.5,
    )


def frozen_before_the_mark(random: Random) -> Scenario:
    """Threads are frozen between publish and mark, and SNS refuses the alert of the workers that carry on."""
    recordings = [violating(number, random) for number in range(random.choice((3, 4, 5)))]
    down_ms = START_MS + random.randrange(25 * SECOND, 40 * SECOND)
    until_ms = down_ms + random.randrange(4 * MINUTE, 10 * MINUTE)
    return Scenario(
        evaluators=8,
        notifiers=1,
        limit=60,
        vendor_limit=60,
        recordings=recordings,
        arrivals=[announced(recording, random) for recording in recordings],
        fault_plan=FaultPlan(
            until_ms,
            often_delayed=("put RECORDING", "update RECORDING"),
            aws_outages=(AwsOutage("sns", down_ms, until_ms),),
        ),
        entries=stored_at_first(),
        slow_vendor=True,
    )


def frozen_before_the_save(random: Random) -> Scenario:
    """Threads are frozen before they save, and thaw when other rules have long been in force.

    The vendor is down meanwhile, so that no other worker judges their recordings.
    """
    early = [violating(number, random) for number in range(8)]
    down_ms, up_ms = START_MS + 26 * SECOND, START_MS + 155 * SECOND
    thaws_ms = [random.randrange(down_ms + 65 * SECOND, up_ms) for _ in range(12)]
    late = [violating(number, random, at_ms) for number, at_ms in enumerate(thaws_ms, 8)]
    rules = json.dumps(random.choice(DOCUMENTS[1:]))
    return Scenario(
        evaluators=12,
        notifiers=1,
        limit=60,
        vendor_limit=60,
        recordings=[*early, *late],
        arrivals=[queued(recording) for recording in (*early, *late)],
        fault_plan=FaultPlan(down_ms, often_delayed=("put ALIAS",), shortest_delay_ms=20 * SECOND),
        entries=[*stored_at_first(), Entry(down_ms, RULES, rules)],
        outages=[Outage(down_ms, up_ms, "503")],
        slow_vendor=True,
    )


def frozen_before_the_publish(random: Random) -> Scenario:
    """Threads are frozen while they save. They thaw late in their lease, and are held up after publishing."""
    recordings = [violating(number, random) for number in range(4)]
    first = [queued(recording) for recording in recordings]
    thaws_ms = [START_MS + random.randrange(43 * SECOND, 48 * SECOND) for _ in range(8)]
    carry_on_ms = [START_MS + random.randrange(64 * SECOND, 71 * SECOND) for _ in range(16)]
    again = [replace(random.choice(first), at_ms=at_ms, name=f"event {at_ms}") for at_ms in (*thaws_ms, *carry_on_ms)]
    return Scenario(
        evaluators=8,
        notifiers=1,
        limit=60,
        vendor_limit=60,
        recordings=recordings,
        arrivals=[*first, *again],
        fault_plan=FaultPlan(
            START_MS + MINUTE, often_delayed=("put RECORDING", "update RECORDING"), shortest_delay_ms=20 * SECOND
        ),
        entries=stored_at_first(),
        slow_vendor=True,
    )


def results_go_back(random: Random) -> Scenario:
    """The vendor shows other results, and then the first ones again. Events wait in line and fetch one or the other."""
    some, others = (Goal(1, met=True, score=0.9),), (Goal(1, met=True, score=0.6),)
    recordings, arrivals = [], []
    for number in range(8):
        first_ms, back_ms = START_MS + number * 120, START_MS + MINUTE + random.randrange(2_200, 3_200)
        shown = ((first_ms, some), (START_MS + 40 * SECOND, others), (back_ms, some))
        states = tuple(State(at_ms, Kind.READY, goals) for at_ms, goals in shown)
        recordings.append(Recording(number, 100 + number, uuid_of(number, random), states))
        arrivals.append(numbered(recordings[-1], first_ms, 0))
    for recording in random.sample(recordings, 4):
        times_ms = [START_MS + random.randrange(50 * SECOND, 57 * SECOND) for _ in range(2)]
        arrivals += [numbered(recording, at_ms, place) for place, at_ms in enumerate(times_ms, 1)]
    return Scenario(
        evaluators=16,
        notifiers=1,
        limit=8,
        vendor_limit=8,
        recordings=recordings,
        arrivals=arrivals,
        fault_plan=FaultPlan(START_MS + 2 * MINUTE),
        entries=stored_at_first(),
        slow_vendor=True,
    )


def hold_not_stored(random: Random) -> Scenario:
    """The vendor refuses requests while DynamoDB often fails, so that holds are not stored."""
    recordings = [violating(number, random) for number in range(8)]
    arrivals = [
        replace(announced(recording, random), at_ms=START_MS + random.randrange(90 * SECOND))
        for recording in recordings
    ]
    return Scenario(
        evaluators=1,
        notifiers=1,
        limit=20,
        vendor_limit=2,
        recordings=recordings,
        arrivals=arrivals,
        fault_plan=FaultPlan(
            START_MS + 3 * MINUTE, faults_left=60, error_probability=0.15, lost_answer_probability=0.1
        ),
        entries=stored_at_first(),
    )


def redriven_before_the_goals(random: Random) -> Scenario:
    """SQS is down until a deferred copy is a dead letter with its history. It is redriven before the goals come."""
    redriven_ms = START_MS + random.randrange(65 * MINUTE, 75 * MINUTE)
    goals_ms = redriven_ms + random.randrange(30 * MINUTE, 50 * MINUTE)
    states = (
        State(START_MS, Kind.GOALS_PENDING),
        State(goals_ms, Kind.READY, (Goal(1, met=random.random() < 0.5, score=0.5),)),
    )
    recording = Recording(0, 100, uuid_of(0, random), states)
    down_ms = START_MS + random.randrange(5 * SECOND, 20 * SECOND)
    until_ms = down_ms + 25 * MINUTE
    return Scenario(
        evaluators=1,
        notifiers=1,
        limit=60,
        vendor_limit=60,
        recordings=[recording],
        arrivals=[announced(recording, random)],
        fault_plan=FaultPlan(until_ms, aws_outages=(AwsOutage("sqs", down_ms, until_ms),)),
        entries=stored_at_first(),
        redrives_ms=[redriven_ms],
    )


def unreadable_outcome(random: Random) -> Scenario:
    """One of several recordings in a batch has an outcome that cannot be read."""
    recordings = [violating(number, random) for number in range(4)]
    recordings[0] = replace(recordings[0], unreadable=True)
    return Scenario(
        evaluators=1,
        notifiers=1,
        limit=60,
        vendor_limit=60,
        recordings=recordings,
        arrivals=[announced(recording, random) for recording in recordings for _ in range(2)],
        fault_plan=FaultPlan(START_MS),
        entries=stored_at_first(),
    )
