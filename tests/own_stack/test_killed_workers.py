"""Workers are killed while they work: no recording and no alert is lost, and few alerts are repeated.

To the emulator a killed worker is what it is to AWS. The invocation has failed, and its batch is delivered again when
the visibility timeout ends. The simulator proves the promises under every fault (`tests/simulation/invariants.py`).
This test shows that real processes on the deployed template keep them.
"""

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress

import pytest

from local.deployment import EVALUATION, NOTIFIER
from local.http_stub import Fault
from local.mailbox import ADDRESS
from local.recordings import Recording
from local.stack import LocalStack
from runtime.outside import BATCH_SIZE
from tests.e2e.conftest import MET, UNMET

SEED = 1
NUMBERS = range(70_001, 70_101)
WARM_UP = 30
ALERTING = set(NUMBERS[::2])
LIMIT = 120
WINDOW_SECONDS = 60.0
VENDOR_LATENCY = Fault(delay_seconds=1.5)
SLACK_LATENCY = Fault(delay_seconds=1.0)

VISIBILITY_SECONDS = 40
"""Replaces the template's 180 s. It exceeds the function's timeout, so a running worker keeps its batch. It is shorter
than the lease, so a redelivered batch meets the lease of the dead worker."""
SETTLED_WITHIN_SECONDS = 150

pytestmark = pytest.mark.timeout(600)


def test_killed_workers_lose_nothing() -> None:
    with LocalStack("test-killed", overrides={"RequestsPerMinute": str(LIMIT), "AlertEmail": ADDRESS}) as stack:
        prepare(stack)
        send(stack, NUMBERS[:WARM_UP])
        wait_until_settled(stack, WARM_UP)
        kill_while_working(stack)
        wait_until_settled(stack, len(NUMBERS))
        stack.keep_logs()

        killed = {function: killed_at_work(stack, function) for function in (EVALUATION, NOTIFIER)}
        requests = [entry.at for entry in stack.vendor.ledger()]
        outcomes, alerts = stack.outcomes(), stack.alerts()
        alerted = Counter(alert.recording_id for alert in alerts)
        posted = Counter(int(entry.target) for entry in stack.slack.ledger() if entry.status == 200)
        mailed = Counter(mail.recording_id for mail in stack.mails())
        repeated_alerts, repeated_posts, repeated_mails = (
            counted.total() - len(ALERTING) for counted in (alerted, posted, mailed)
        )
        print(
            f"\nKilled at work: {killed}. Repeated: {repeated_alerts} alerts, {repeated_posts} posts, "
            f"{repeated_mails} mails. "
            f"{len(requests)} requests, at most {busiest_window(requests)} in a minute."
        )

        # The test proves something: workers of both functions died at work, and the limit was reached.
        assert min(killed.values()) > 0
        assert len(requests) > LIMIT
        # Nothing is lost.
        assert sorted(int(outcome["recording_id"]) for outcome in outcomes) == list(NUMBERS)
        assert {int(outcome["recording_id"]) for outcome in outcomes if outcome["status"] == "violations"} == ALERTING
        assert {outcome["alert"]["state"] for outcome in outcomes if "alert" in outcome} == {"published"}
        assert set(alerted) == set(posted) == set(mailed) == ALERTING
        # Repeated is at most what the killed workers had sent and not yet recorded, under the same alert id.
        assert repeated_alerts <= BATCH_SIZE * killed[EVALUATION]
        assert repeated_posts + repeated_mails <= killed[NOTIFIER]
        assert len({alert.content["alert_id"] for alert in alerts}) == len(ALERTING)
        # The request limit is kept.
        assert busiest_window(requests) <= LIMIT
        # No dead letter is left.
        assert stack.dead_letters() == stack.slack_dead_letters() == []


def prepare(stack: LocalStack) -> None:
    stack.vendor.put(
        *(Recording(number, f"Call {number}", [UNMET if number in ALERTING else MET]) for number in NUMBERS)
    )
    stack.vendor.set_fault(VENDOR_LATENCY)
    stack.slack.set_fault(SLACK_LATENCY)
    for queue in ("EventQueue", "SlackQueue"):
        stack.client("sqs").set_queue_attributes(
            QueueUrl=stack.physical_id(queue), Attributes={"VisibilityTimeout": str(VISIBILITY_SECONDS)}
        )


def send(stack: LocalStack, numbers: Sequence[int]) -> None:
    for number in numbers:
        stack.send({"recording_id": number})


def kill_while_working(stack: LocalStack) -> None:
    """Send a backlog, and kill one by one the workers that existed before it.

    They are warm. If a worker dies while it starts, the emulator stops all workers of its function, unlike AWS.
    A kill waits until the worker's queue holds a message, because an idle worker dies without a trace.
    """
    work = {EVALUATION: stack.waiting, NOTIFIER: stack.waiting_for_slack}
    warm = [(function, worker) for function in work for worker in stack.emulator.workers(stack.physical_id(function))]
    posts = len(stack.slack.ledger())
    send(stack, NUMBERS[WARM_UP:])
    stack.wait_for("the first alerts of the backlog", lambda: len(stack.slack.ledger()) > posts)
    chance = random.Random(SEED)
    for function, worker in chance.sample(warm, len(warm)):
        stack.wait_for(f"work for {function}", work[function], SETTLED_WITHIN_SECONDS)
        with suppress(ProcessLookupError):  # the emulator has just stopped it
            os.kill(worker, signal.SIGKILL)
        time.sleep(chance.uniform(0.3, 1.5))


def wait_until_settled(stack: LocalStack, outcomes: int) -> None:
    """Wait for so many outcomes, and for empty queues.

    The event queue is read first: an alert enters the Slack queue before its event leaves the event queue.
    """
    stack.wait_for(
        f"{outcomes} outcomes and empty queues",
        lambda: not stack.waiting() and not stack.waiting_for_slack() and len(stack.outcomes()) == outcomes,
        SETTLED_WITHIN_SECONDS,
    )


def killed_at_work(stack: LocalStack, function: str) -> int:
    """How many invocations failed because their worker was killed, by the emulator's own log lines."""
    return sum("Worker process died" in line for line in stack.log(function))


def busiest_window(times: Sequence[float]) -> int:
    """The most requests in any 60 seconds; `times` in seconds."""
    return max(sum(start <= at < start + WINDOW_SECONDS for at in times) for start in times)
