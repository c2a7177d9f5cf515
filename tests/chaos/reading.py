"""Reads the books of an upheaval: while it lasts, which deliveries are interrupted; afterwards, what everybody says."""

import json
import re
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Any

from domain.evaluation.outcome import LEASE_MS
from local.aws_faults import ANSWER_LOST, AwsFaults
from local.deployment import EVALUATION, NOTIFIER, Item
from local.emulator import QueuedMessage
from local.stack import LocalStack
from tests.chaos import ledger
from tests.chaos.background import meanwhile
from tests.chaos.traffic import Traffic

INVOCATION_SECONDS = 30  # the functions' time limit in the template
_ALERT_ID = re.compile(r'"alert_id":"([0-9a-f]+)"')
_RECORDING = re.compile(r'"recording_id": ?"?([0-9A-Fa-f-]+)')
_FAILED = "unexpected error; the message will be redelivered"


class Log:
    """What the functions have logged and measured, line by line."""

    def __init__(self, stack: LocalStack) -> None:
        self._by_function = {function: stack.log(function) for function in (EVALUATION, NOTIFIER)}
        self.lines = [line for lines in self._by_function.values() for line in lines]
        self._entries = {function: _parsed(lines) for function, lines in self._by_function.items()}
        self.entries = [entry for entries in self._entries.values() for entry in entries]

    def measured(self, metric: str) -> list[float]:
        return [value for entry in self.entries if "_aws" in entry for value in entry.get(metric, [])]

    def given_back(self, function: str) -> list[str]:
        """The ids of messages that a function gave back after an unexpected error."""
        return [entry["message_id"] for entry in self._entries[function] if entry.get("message") == _FAILED]

    def killed_at_work(self, function: str) -> int:
        """How many invocations ended because their worker was killed, as the emulator says."""
        return sum("Worker process died" in line for line in self._by_function[function])


def _parsed(lines: Sequence[str]) -> list[dict[str, Any]]:
    entries = []
    for line in lines:
        with suppress(ValueError):  # the emulator's own lines, and what a killed worker had no time to finish
            entries.append(json.loads(line))
    return entries


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

        with meanwhile(look_often, over):
            yield

    def _look(self, messages: Sequence[QueuedMessage]) -> None:
        now = time.monotonic()
        for message in messages:
            self.bodies[message.message_id] = message.body
            if message.receive_count and not message.visible:
                delivery = (message.message_id, message.receive_count)
                if now - self._seen.setdefault(delivery, now) > INVOCATION_SECONDS:
                    self.abandoned.add(delivery)

    def interrupted(self, log: Log) -> list[str]:
        """The body of each message interrupted, once for each time."""
        given_back = [*log.given_back(EVALUATION), *log.given_back(NOTIFIER)]
        return [self.bodies[message_id] for message_id in [*(each for each, _ in self.abandoned), *given_back]]


def books(
    stack: LocalStack, traffic: Traffic, limit: int, watch: Watch, log: Log, faults: AwsFaults | None
) -> ledger.Books:
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
        counted_alerts=int(sum(log.measured("AlertsRepeated"))),
        counted_posts=int(sum(log.measured("NotificationsRepeated"))),
        interrupted=_interrupted(traffic, watch.interrupted(log)),
        unfinished_posts=log.killed_at_work(NOTIFIER) + len(log.given_back(NOTIFIER)),
        unanswered_sends=injected.get(("sqs", "SendMessage", ANSWER_LOST), 0),
    )


def _interrupted(traffic: Traffic, bodies: Sequence[str]) -> Counter[str]:
    """By the mark of an event that cannot be read, the id of an alert, or the number of a recording."""
    numbers = {recording.public_id: str(recording.id) for recording in traffic.recordings}
    found: Counter[str] = Counter()
    for body in bodies:
        if alert_id := _ALERT_ID.search(body):
            found[alert_id[1]] += 1
        elif mark := next((mark for mark in traffic.malformed if mark in body), None):
            found[mark] += 1
        elif recording := _RECORDING.search(body):
            found[numbers.get(recording[1].lower(), recording[1])] += 1
    return found


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
