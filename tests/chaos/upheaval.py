"""Carries an upheaval out on a local stack, and writes down what the outside says of it afterwards.

Workers are killed while they work. To the emulator that is what it is to AWS: the invocation has failed, its batch
stays hidden until the queue's visibility timeout ends, and is then delivered again, to whoever is free.
"""

import json
import os
import random
import re
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Any

from domain.outcome import LEASE_MS, STALENESS_MARGIN_MS
from local.aws_faults import ANSWER_LOST, AwsFaults
from local.deployment import EVALUATION, NOTIFIER, Item
from local.emulator import QueuedMessage
from local.http_stub import Fault
from local.stack import LocalStack
from tests.chaos import ledger
from tests.chaos.traffic import SLACK_LATENCY_SECONDS, VENDOR_LATENCY_SECONDS, Event, Traffic

VISIBILITY_SECONDS = 40
"""For this test, in both queues. The template's 180 s would outlast it. It is still more than an invocation can last,
so that nothing being worked on is handed out twice. It is less than the lease, so that a batch whose worker was killed
comes back while the dead worker's lease still holds, and has to wait for it: on AWS it would find the lease over."""

INVOCATION_SECONDS = 30  # the functions' time limit in the template
_ALERT_ID = re.compile(r'"alert_id":"([0-9a-f]+)"')
_TOGETHER = 10  # what SQS and EventBridge take in one call
_FAILED_RECORDS = (
    "unexpected error; the message will be redelivered",
    "unexpected error; the alert will be redelivered",
)


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
        judged = _judged(self._stack)
        time.sleep(1.5 * STALENESS_MARGIN_MS / 1000)
        ready = [event for event in self._events if event.recording in judged][: self.left]
        send(self._stack, ready)
        self._events = [event for event in self._events if event not in ready]
        self.left -= len(ready)


@contextmanager
def killing(stack: LocalStack, seed: int) -> Iterator[None]:
    """Meanwhile, workers of both functions are killed at random moments."""
    chance, over = random.Random(seed), threading.Event()
    functions = [stack.physical_id(name) for name in (EVALUATION, NOTIFIER)]

    def kill_some() -> None:
        while not over.wait(chance.uniform(0.5, 2.5)):
            if workers := stack.emulator.workers(chance.choice(functions)):
                with suppress(ProcessLookupError):  # it has just ended by itself
                    os.kill(chance.choice(workers), signal.SIGKILL)

    with _meanwhile(kill_some, over):
        yield


class Watch:
    """Looks into the queues every second for deliveries that were interrupted.

    A message that is still hidden longer after its receive than an invocation can last has lost its worker. What a
    worker itself gave back after an unexpected error, its log says.
    """

    def __init__(self, stack: LocalStack) -> None:
        self._stack = stack
        self._seen: dict[tuple[str, int], float] = {}
        self.bodies: dict[str, str] = {}
        self.abandoned: set[tuple[str, int]] = set()

    @contextmanager
    def watching(self) -> Iterator[None]:
        over = threading.Event()

        def look_often() -> None:
            while not over.wait(1.0):
                self._look([*self._stack.waiting(), *self._stack.waiting_for_slack()])

        with _meanwhile(look_often, over):
            yield

    def _look(self, messages: Sequence[QueuedMessage]) -> None:
        now = time.monotonic()
        for message in messages:
            self.bodies[message.message_id] = message.body
            if message.receive_count and not message.visible:
                delivery = (message.message_id, message.receive_count)
                if now - self._seen.setdefault(delivery, now) > INVOCATION_SECONDS:
                    self.abandoned.add(delivery)

    def interrupted(self) -> list[str]:
        """The body of each message interrupted, once for each time."""
        given_back = [
            line["message_id"]
            for function in (EVALUATION, NOTIFIER)
            for line in log_lines(self._stack, function)
            if line.get("message") in _FAILED_RECORDS
        ]
        return [self.bodies[message_id] for message_id in [*(each for each, _ in self.abandoned), *given_back]]


def settle(stack: LocalStack, outcomes: int, within: float) -> None:
    """Wait until there are so many outcomes and nothing is on its way any more. Where time runs out before, the ledger
    says what is missing."""
    deadline, quiet = time.monotonic() + within, 0
    while quiet < 3 and time.monotonic() < deadline:
        time.sleep(1)
        empty = not stack.waiting() and not stack.waiting_for_slack()
        quiet = quiet + 1 if empty and len(_judged(stack)) >= outcomes else 0


def redrive(stack: LocalStack) -> int:
    """Both dead-letter queues as a whole, as an operator does; how many messages there were."""
    return stack.redrive(stack.outputs["EventDeadLetterQueueUrl"], stack.outputs["EventQueueUrl"]) + stack.redrive(
        stack.outputs["SlackDeadLetterQueueUrl"], stack.physical_id("SlackQueue")
    )


def books(stack: LocalStack, traffic: Traffic, limit: int, watch: Watch, faults: AwsFaults | None) -> ledger.Books:
    """What table, topic, Slack, vendor and queues say."""
    items = stack.everything_stored()
    injected = faults.injected() if faults else {}
    return ledger.Books(
        expected=traffic.expected,
        malformed=traffic.malformed,
        outcomes=[_stored(item) for item in items if item["sk"] == "OUTCOME"],
        published=[
            ledger.PublishedAlert(
                alert.recording_id, alert.content["alert_id"], _violations(alert.content["violations"])
            )
            for alert in stack.alerts()
        ],
        posts=[
            ledger.Post(int(entry.target), answered=entry.fault != "lost_answer")
            for entry in stack.slack.ledger()
            if entry.status == 200
        ],
        recorded={
            item["sk"].split("#")[1] for item in items if item["sk"].startswith("DELIVERY#") and item["state"] == "sent"
        },
        dead_letters=[
            ledger.DeadLetter(message.body, message.attributes.get("dead_letter_reason", ""))
            for message in [*stack.dead_letters(), *stack.slack_dead_letters()]
        ],
        requests=[
            ledger.Request(entry.at, entry.status, injected=entry.fault == "status") for entry in stack.vendor.ledger()
        ],
        limit=limit,
        left=[message.body for message in [*stack.waiting(), *stack.waiting_for_slack()]],
        repeats_counted=int(sum(_measured(stack, NOTIFIER, "NotificationsRepeated"))),
        interrupted=_interrupted(traffic, watch.interrupted()),
        unanswered_publishes=injected.get(("sns", "Publish", ANSWER_LOST), 0),
        unanswered_sends=injected.get(("sqs", "SendMessage", ANSWER_LOST), 0),
    )


def log_lines(stack: LocalStack, function: str) -> list[dict[str, Any]]:
    """The lines of a function's log that are JSON: what it logged and what it measured."""
    lines = []
    for text in stack.log(function):
        with suppress(ValueError):
            line = json.loads(text)
            if isinstance(line, dict):
                lines.append(line)
    return lines


def killed_at_work(stack: LocalStack) -> int:
    """How many invocations ended because their worker was killed, as the emulator's log says."""
    return sum("Worker process died" in text for function in (EVALUATION, NOTIFIER) for text in stack.log(function))


def _measured(stack: LocalStack, function: str, metric: str) -> list[float]:
    return [value for line in log_lines(stack, function) if "_aws" in line for value in line.get(metric, [])]


def _interrupted(traffic: Traffic, bodies: Sequence[str]) -> Counter[str]:
    """By the mark of the event that cannot be read, or by the id of the alert, whichever it was."""
    found: Counter[str] = Counter()
    for body in bodies:
        found.update(mark for mark in traffic.malformed if mark in body)
        found.update(alert_id for alert_id in _ALERT_ID.findall(body))
    return found


def _judged(stack: LocalStack) -> set[int]:
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


def _stored(item: Item) -> ledger.StoredOutcome:
    alert: dict[str, Any] = item.get("alert", {})
    return ledger.StoredOutcome(
        recording=int(item["recording_id"]),
        status=item["status"],
        violations=_violations(item["violations"]),
        alert_state=alert.get("state", ""),
        taken_over=bool(alert) and _epoch_ms(alert["lease_until"]) != _epoch_ms(item["evaluated_at"]) + LEASE_MS,
    )


def _violations(listed: Sequence[dict[str, Any]]) -> frozenset[str]:
    return frozenset(f"{each['rule_id']} {each['subject']}" for each in listed)


def _epoch_ms(iso: str) -> int:
    return round(datetime.fromisoformat(iso).timestamp() * 1000)


@contextmanager
def _meanwhile(work: Callable[[], None], over: threading.Event) -> Iterator[None]:
    """Run `work` in a thread until `over` is set, which it must heed. What it raises is raised here at the end."""
    failures: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as failure:  # noqa: BLE001 - raised in the owner's thread
            failures.append(failure)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
    if failures:
        raise failures[0]
