"""Carries an upheaval out on a local stack: all that happens to it, and the waiting until it is over.

Workers are killed while they work. To the emulator that is what it is to AWS: the invocation has failed, its batch
stays hidden until the queue's visibility timeout ends, and is then delivered again, to whoever is free.
"""

import json
import os
import random
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from domain.evaluation.outcome import STALENESS_MARGIN_MS
from local.deployment import EVALUATION, NOTIFIER
from local.http_stub import Fault
from local.stack import LocalStack
from tests.chaos.background import meanwhile
from tests.chaos.traffic import SLACK_LATENCY_SECONDS, VENDOR_LATENCY_SECONDS, Event, Traffic

VISIBILITY_SECONDS = 40
"""For this test, in both queues. The template's 180 s would outlast it. It is still more than an invocation can last,
so that nothing being worked on is handed out twice. It is less than the lease, so that a batch whose worker was killed
comes back while the dead worker's lease still holds, and has to wait for it: on AWS it would find the lease over."""

_GROWN_UP_SECONDS = 4.0
_TOGETHER = 10  # what SQS and EventBridge take in one call


def prepare(stack: LocalStack, traffic: Traffic, limit: int) -> None:
    """The vendor knows the recordings, keeps to the limit, and misbehaves towards the first requests as it shall."""
    stack.vendor.put(*traffic.recordings)
    stack.vendor.set_limit(limit)
    stack.vendor.set_fault(Fault(delay_seconds=VENDOR_LATENCY_SECONDS))
    stack.slack.set_fault(Fault(delay_seconds=SLACK_LATENCY_SECONDS))
    for recording, fault in traffic.vendor_faults.items():
        stack.vendor.set_fault(fault, recording)
    for recording, fault in traffic.slack_faults.items():
        stack.slack.set_fault(fault, recording)
    for logical_id in ("EventQueue", "SlackQueue"):
        attributes = {"VisibilityTimeout": str(VISIBILITY_SECONDS)}
        stack.client("sqs").set_queue_attributes(QueueUrl=stack.physical_id(logical_id), Attributes=attributes)


def relent(stack: LocalStack, traffic: Traffic) -> None:
    """Slack misbehaves no longer: a lost answer is waited for longer than this test has time at its end."""
    for recording in traffic.slack_faults:
        stack.slack.set_fault(None, recording)


def bury_after(stack: LocalStack, receives: int) -> None:
    """Dead-letter sooner than the template says: its five receives take five minutes, with the pauses between."""
    for logical_id in ("EventQueue", "SlackQueue"):
        named = {"QueueUrl": stack.physical_id(logical_id), "AttributeNames": ["RedrivePolicy"]}
        policy = json.loads(stack.client("sqs").get_queue_attributes(**named)["Attributes"]["RedrivePolicy"])
        changed = {"RedrivePolicy": json.dumps(policy | {"maxReceiveCount": receives})}
        stack.client("sqs").set_queue_attributes(QueueUrl=named["QueueUrl"], Attributes=changed)


def send(stack: LocalStack, events: Sequence[Event]) -> None:
    """Put events on the queue and on the bus, in their order, ten in a call."""
    for start in range(0, len(events), _TOGETHER):
        some = events[start : start + _TOGETHER]
        if bodies := [event.body for event in some if event.way == "queue"]:
            entries = [{"Id": str(place), "MessageBody": body} for place, body in enumerate(bodies)]
            answer = stack.client("sqs").send_message_batch(QueueUrl=stack.outputs["EventQueueUrl"], Entries=entries)
            assert len(answer["Successful"]) == len(bodies)
        if details := [event.body for event in some if event.way == "eventbridge"]:
            named = {
                "EventBusName": stack.outputs["EventBusName"],
                "Source": "identitycall",
                "DetailType": "Recording Analyzed",
            }
            answer = stack.client("events").put_events(Entries=[named | {"Detail": detail} for detail in details])
            assert answer["FailedEntryCount"] == 0


class Repeats:
    """Events for recordings that are judged already, and have been for so long that no event is old news."""

    def __init__(self, stack: LocalStack, events: Sequence[Event], count: int) -> None:
        self._stack = stack
        self._events = list(events)
        self.left = count

    def send_some(self) -> None:
        """As many as can be sent now, but no more than are left."""
        ready_ones = judged(self._stack)
        time.sleep(1.5 * STALENESS_MARGIN_MS / 1000)
        ready = [event for event in self._events if event.recording in ready_ones][: self.left]
        send(self._stack, ready)
        self._events = [event for event in self._events if event not in ready]
        self.left -= len(ready)


@contextmanager
def killing(stack: LocalStack, seed: int) -> Iterator[None]:
    """Meanwhile, workers of both functions are killed at random moments.

    Those that have just been started are spared: when one dies before it is ready, the emulator does away with all
    workers of its function, which AWS does not, and nothing would ever be worked on.
    """
    chance, over = random.Random(seed), threading.Event()
    functions = [stack.physical_id(name) for name in (EVALUATION, NOTIFIER)]
    first_seen: dict[int, float] = {}

    def kill_some() -> None:
        while not over.wait(chance.uniform(0.5, 2.0)):
            now = time.monotonic()
            workers = stack.emulator.workers(chance.choice(functions))
            grown = [each for each in workers if now - first_seen.setdefault(each, now) > _GROWN_UP_SECONDS]
            if grown:
                with suppress(ProcessLookupError):  # it has just ended by itself
                    os.kill(chance.choice(grown), signal.SIGKILL)

    with meanwhile(kill_some, over):
        yield


def settle(stack: LocalStack, outcomes: int, within: float) -> None:
    """Wait until there are so many outcomes and nothing is on its way any more. Where time runs out before, the ledger
    says what is missing."""
    deadline, quiet = time.monotonic() + within, 0
    while quiet < 3 and time.monotonic() < deadline:
        time.sleep(1)
        empty = not stack.waiting() and not stack.waiting_for_slack()
        quiet = quiet + 1 if empty and len(judged(stack)) >= outcomes else 0


def redrive(stack: LocalStack) -> int:
    """Both dead-letter queues as a whole, as an operator does; how many messages there were."""
    return stack.redrive(stack.outputs["EventDeadLetterQueueUrl"], stack.outputs["EventQueueUrl"]) + stack.redrive(
        stack.outputs["SlackDeadLetterQueueUrl"], stack.physical_id("SlackQueue")
    )


def judged(stack: LocalStack) -> set[int]:
    """The recordings that have an outcome; asked for often, so nothing else of the items is."""
    answers = (
        stack.client("dynamodb")
        .get_paginator("scan")
        .paginate(
            TableName=stack.outputs["OutcomeTableName"],
            ProjectionExpression="recording_id",
            FilterExpression="sk = :outcome",
            ExpressionAttributeValues={":outcome": {"S": "OUTCOME"}},
            ConsistentRead=True,
        )
    )
    return {int(item["recording_id"]["N"]) for page in answers for item in page["Items"]}
