"""Two minutes of a backlog on the real local stack: the deployed template, functions and all."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from local.recordings import Recording, goal, pause
from local.stack import LocalStack

LIMIT = 1_200
SECONDS = 120
RECORDINGS = 3_000
"""More than the limit lets through in that time."""
ALERTING_EVERY = 20
_FIRST = 700_001
_A_SENDING = 10
_UNTIL_THE_FIRST_REQUEST = 2
_MET = goal(1, "Greeting and Introduction", 0.95, "The agent greeted the customer.")
_UNMET = goal(2, "Offer Follow-up", 0.30, "The agent did not offer a follow-up call.")


@dataclass(frozen=True)
class Found:
    share: float
    requests: int
    refused: int
    judged: int
    dead_letters: int
    lost: int
    doubled: int


def watch(report: Callable[[str], None], progress: Callable[[float], None]) -> Found:
    numbers = range(_FIRST, _FIRST + RECORDINGS)
    with LocalStack("bench", overrides={"RequestsPerMinute": str(LIMIT)}, report=report) as stack:
        stack.vendor.put(*(_recording(number) for number in numbers))
        stack.vendor.set_limit(LIMIT)
        report("Sending the backlog")
        _send(stack, numbers)
        report("Working it off")
        began = time.monotonic()
        while (passed := time.monotonic() - began) < SECONDS + _UNTIL_THE_FIRST_REQUEST:
            progress(passed / SECONDS)
            time.sleep(1)
        return _found(stack, numbers)


def _recording(number: int) -> Recording:
    goals = [_MET, _UNMET] if number % ALERTING_EVERY == 0 else [_MET]
    return Recording(number, f"Call {number}", goals, [pause(15_000, 3_500, compliant=True)])


def _send(stack: LocalStack, numbers: range) -> None:
    for first in range(0, len(numbers), _A_SENDING):
        entries = [
            {"Id": str(number), "MessageBody": json.dumps({"recording_id": number})}
            for number in numbers[first : first + _A_SENDING]
        ]
        answer = stack.client("sqs").send_message_batch(QueueUrl=stack.outputs["EventQueueUrl"], Entries=entries)
        assert not answer.get("Failed"), answer


def _found(stack: LocalStack, numbers: range) -> Found:
    ledger = stack.vendor.ledger()
    began = ledger[0].at
    within = [entry for entry in ledger if entry.at < began + SECONDS]
    refused = sum(entry.status == 429 for entry in within)
    alerts = Counter(alert.recording_id for alert in stack.alerts())
    dead_letters = stack.dead_letters()
    waiting = {json.loads(message.body)["recording_id"] for message in [*stack.waiting(), *dead_letters]}
    judged = {int(item["recording_id"]) for item in stack.outcomes()}
    return Found(
        share=(len(within) - refused) / (LIMIT * SECONDS / 60),
        requests=len(within),
        refused=refused,
        judged=len(judged),
        dead_letters=len(dead_letters),
        lost=len(set(numbers) - judged - waiting),
        doubled=sum(number - 1 for number in alerts.values()),
    )
