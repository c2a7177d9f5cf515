"""1,000 events for 600 recordings while everything fails that can, and afterwards the books balance.

The vendor errs, resets, hangs and throttles, and has a request limit; Slack throttles, errs and loses answers; workers
are killed while they work. With `--aws-faults` AWS throttles, resets and is slow, and DynamoDB is out for a while: what
that brings into the dead-letter queues is redriven, as an operator would.
"""

import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass

import pytest

from local.aws_faults import BAD_DAY, AwsFaults, outage
from local.deployment import EVALUATION, NOTIFIER
from local.stack import LocalStack
from tests.chaos import reading, upheaval
from tests.chaos import traffic as traffics
from tests.chaos.ledger import Books, busiest_window, imbalances
from tests.chaos.traffic import SPOKEN, Traffic

SEED = 1
LIMIT = 1_200
UPHEAVAL_SECONDS = 35
OUTAGE_SECONDS = 45  # three receives, with the pauses between them, fit in
SETTLED_WITHIN_SECONDS = 180

pytestmark = pytest.mark.timeout(900)


@dataclass
class Aftermath:
    books: Books
    vendor_faults: Counter[str]
    slack_faults: Counter[str]
    log: reading.Log
    aws_faults: dict[tuple[str, str, str], int]
    redriven: int


@pytest.fixture(scope="module")
def aftermath(request: pytest.FixtureRequest) -> Aftermath:
    """All of it, once: seed, upheaval, calm, reading the books."""
    on_aws_too = bool(request.config.getoption("--aws-faults", default=False))
    traffic = traffics.make(SEED)
    overrides = {"RequestsPerMinute": str(LIMIT), "DiscoverySchedule": "off"}
    with LocalStack("chaos", overrides=overrides) as stack, ExitStack() as opened:
        faults = opened.enter_context(AwsFaults(stack, stack.folder)) if on_aws_too else None
        found = _go_through(stack, traffic, faults)
        stack.keep_logs()
    print(_figures(found))
    return found


def _go_through(stack: LocalStack, traffic: Traffic, faults: AwsFaults | None) -> Aftermath:
    upheaval.prepare(stack, traffic, LIMIT)
    watch, repeats, redriven = reading.Watch(stack), upheaval.Repeats(stack, traffic.again, traffics.AGAIN), 0
    with watch.watching():
        began = time.monotonic()
        if faults:
            upheaval.bury_after(stack, 3)
            faults.inject(*BAD_DAY)
        with upheaval.killing(stack, SEED):
            upheaval.send(stack, traffic.first)
            while time.monotonic() < began + UPHEAVAL_SECONDS:
                repeats.send_some()
        upheaval.relent(stack, traffic)
        while repeats.left:
            repeats.send_some()
        if faults:
            faults.inject(outage("dynamodb", OUTAGE_SECONDS))
            upheaval.settle(stack, 0, SETTLED_WITHIN_SECONDS)
            redriven = upheaval.redrive(stack)
        upheaval.settle(stack, len(traffic.expected), SETTLED_WITHIN_SECONDS)
    log = reading.Log(stack)
    return Aftermath(
        books=reading.books(stack, traffic, LIMIT, watch, log, faults),
        log=log,
        vendor_faults=Counter(entry.fault for entry in stack.vendor.ledger()),
        slack_faults=Counter(entry.fault for entry in stack.slack.ledger()),
        aws_faults=faults.injected() if faults else {},
        redriven=redriven,
    )


def _figures(found: Aftermath) -> str:
    books = found.books
    alerts = len({alert.alert_id for alert in books.published})
    killed = {function: found.log.killed_at_work(function) for function in (EVALUATION, NOTIFIER)}
    return (
        f"\n{len(books.requests)} requests, {busiest_window(books.requests)} in the busiest 60 s of at most {LIMIT}; "
        f"killed at work {killed}; {alerts} alerts, {len(books.published) - alerts} published again "
        f"({books.counted_alerts} counted as perhaps), "
        f"{len(books.posts) - alerts} messages repeated in Slack ({books.counted_posts} counted as perhaps), "
        f"{len(books.dead_letters) - len(books.malformed)} dead letters doubled; "
        f"AWS faults {sum(found.aws_faults.values())}, redriven {found.redriven}"
    )


def test_the_books_balance(aftermath: Aftermath) -> None:
    assert imbalances(aftermath.books) == []


def test_the_upheaval_was_one(aftermath: Aftermath, request: pytest.FixtureRequest) -> None:
    """Books that balance prove nothing where nothing happened."""
    assert aftermath.log.killed_at_work(EVALUATION) + aftermath.log.killed_at_work(NOTIFIER) > 0
    assert len(aftermath.books.requests) > LIMIT
    assert set(aftermath.vendor_faults) >= {fault.kind for fault in traffics.make(SEED).vendor_faults.values()}
    assert set(aftermath.slack_faults) > {"none"}
    if request.config.getoption("--aws-faults", default=False):
        assert aftermath.redriven > len(aftermath.books.malformed)
        assert {service for service, _, _ in aftermath.aws_faults} >= {"dynamodb", "sns", "sqs", "ssm"}


def test_what_was_said_is_in_no_log(aftermath: Aftermath) -> None:
    assert [line for line in aftermath.log.lines if SPOKEN in line] == []
