"""Each file of events/ is invoked as Lambda invokes it, and answered in the one shape that Lambda understands."""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import pytest

from local import webhooks
from local.invoke import Function, RuntimeEmulator
from local.places import ROOT
from local.recordings import RECORDINGS
from tests.fakes.account import TABLE
from tests.runtime.world import World, running_world

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Lambda's runtime emulator is for Linux")

EVENTS = sorted((ROOT / "events").glob("*.json"))
NO_FAILURES: dict[str, list[Any]] = {"batchItemFailures": []}
UUID = "01938c5e-7a10-7000-8000-000000001014"


@dataclass(frozen=True)
class Expected:
    """The answer, and what there is afterwards."""

    answer: Any = field(default_factory=lambda: dict(NO_FAILURES))
    outcomes: dict[str, str] = field(default_factory=dict)
    aliases: tuple[str, ...] = ()
    alerts: int = 0
    queued: int = 0
    deferred: int = 0
    event_dead_letters: tuple[str, ...] = ()
    slack_dead_letters: tuple[str, ...] = ()
    slack_messages: int = 0


def judged(answer: Any = NO_FAILURES) -> Expected:
    """Recording 123, the vendor's documented example, was judged and alerted."""
    return Expected(answer, outcomes={"RECORDING#123": "violations"}, alerts=1)


def refused() -> Expected:
    """Invoked directly with an event that names no recording."""
    answer = {"recording_id": None, "result": "dead_lettered", "reason": "malformed_event"}
    return Expected(answer, event_dead_letters=("malformed_event",))


def answered(status: int, message: str, *, queued: int = 0) -> Expected:
    """The answer at the webhook's URL, and how many events it put into the queue."""
    headers = {"Content-Type": "application/json"}
    headers |= {401: {"WWW-Authenticate": "Bearer"}, 405: {"Allow": "POST"}}.get(status, {})
    return Expected({"statusCode": status, "headers": headers, "body": json.dumps({"message": message})}, queued=queued)


def looked(pages: int, discovered: int) -> Expected:
    """What a run of discovery found, each recording an event in the queue."""
    answer = {"result": "complete", "reason": "", "pages": pages, "discovered": discovered, "missed": 0}
    return Expected(answer, queued=discovered)


COMPLETED = [recording for recording in RECORDINGS if recording.status == "completed"]
NO_ID = "The event cannot be read: it has no recording_id, id or public_id."
EVALUATED_123 = {"recording_id": 123, "result": "evaluated", "reason": "violations"}
BY_UUID = Expected(outcomes={"RECORDING#1014": "violations"}, aliases=(f"ALIAS#{UUID}",), alerts=1)
EXPECTED = {
    "evaluate-direct": judged(EVALUATED_123),
    "evaluate-direct-malformed": refused(),
    "evaluate-eventbridge": judged(EVALUATED_123),
    "evaluate-eventbridge-malformed": refused(),
    "evaluate-sqs": judged(),
    "evaluate-sqs-batch": Expected(
        outcomes={"RECORDING#123": "violations", "RECORDING#1001": "clear", "RECORDING#1004": "violations"},
        alerts=2,
        deferred=1,
        event_dead_letters=("malformed_event",),
    ),
    "evaluate-sqs-deferred-copy": judged(),
    "evaluate-sqs-eventbridge": judged(),
    "evaluate-sqs-malformed": Expected(event_dead_letters=("malformed_event",) * 10),
    "evaluate-sqs-replay": judged(),
    "evaluate-sqs-sns": judged(),
    "evaluate-sqs-text-id": judged(),
    "evaluate-sqs-unknown-recording": Expected(deferred=1),
    "evaluate-sqs-uuid": BY_UUID,
    "evaluate-sqs-webhook-event": judged(),
    "evaluate-sqs-webhook-public-id": BY_UUID,
    "evaluate-sqs-webhook-type": judged(),
    "discovery-run": looked(pages=1, discovered=0),
    "discovery-history": looked(pages=1, discovered=len(COMPLETED)),
    "discovery-history-malformed": Expected(
        {"result": "refused", "detail": "history_hours must be a whole number from 1 to 87600"}
    ),
    "slack-alert": Expected(slack_messages=1),
    "slack-malformed": Expected(slack_dead_letters=("malformed_alert",) * 2),
    "webhook-base64": answered(202, "Accepted.", queued=1),
    "webhook-bearer": answered(202, "Accepted.", queued=1),
    "webhook-expired": answered(401, "Not authorized."),
    "webhook-forged": answered(401, "Not authorized."),
    "webhook-malformed": answered(400, NO_ID),
    "webhook-not-a-post": answered(405, "Only POST is answered here."),
    "webhook-not-json": answered(415, "Content-Type must be application/json."),
    "webhook-ping": answered(202, "Ignored: this type of event says nothing about an analysed recording."),
    "webhook-signed": answered(202, "Accepted.", queued=1),
    "webhook-unsigned": answered(401, "Not authorized."),
}


def event(name: str) -> Any:
    """A file's event, sent ten minutes ago: with its own date, its answer would hang on the day of the test."""
    text = (ROOT / "events" / f"{name}.json").read_text()
    if name.startswith("webhook"):
        return webhooks.sent_now(json.loads(text))
    sent = re.search(r'"SentTimestamp": "(\d+)"', text)
    if not sent:
        return json.loads(text)
    shift_ms = int(time.time() * 1000) - 600_000 - int(sent[1])
    return json.loads(re.sub(r"\b1\d{12}\b", lambda moment: str(int(moment[0]) + shift_ms), text))


@pytest.fixture(scope="module")
def shared_world() -> Iterator[World]:
    with running_world() as world:
        yield world


@pytest.fixture
def world(shared_world: World) -> World:
    shared_world.begin_anew()
    return shared_world


@pytest.fixture(scope="module")
def runtimes(shared_world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, RuntimeEmulator]]:
    """The functions, warm from event to event."""
    logs, environment = tmp_path_factory.mktemp("logs"), shared_world.environment()
    with ExitStack() as stack:
        yield {
            each.name: stack.enter_context(RuntimeEmulator(each.handler, environment, log=logs / each.name))
            for each in Function
        }


def test_every_event_has_its_expectation() -> None:
    assert {path.stem for path in EVENTS} == EXPECTED.keys()


@pytest.mark.parametrize("name", [path.stem for path in EVENTS])
def test_an_event_has_the_expected_answer_and_effects(
    name: str, world: World, runtimes: dict[str, RuntimeEmulator]
) -> None:
    runtime = runtimes[name.partition("-")[0]]
    earlier_log = runtime.log.stat().st_size

    invocation = runtime.invoke(event(name))

    print(runtime.log.read_bytes()[earlier_log:].decode())  # shown if the test fails
    assert invocation.error_type is None
    queued, deferred = world.waiting(world.queue_url)
    found = Expected(
        answer=invocation.payload,
        outcomes=world.statuses(),
        aliases=world.aliases(),
        alerts=len(world.messages(world.subscriber_url)),
        queued=queued,
        deferred=deferred,
        event_dead_letters=world.reasons(world.dead_letter_url),
        slack_dead_letters=world.reasons(world.slack_dead_letter_url),
        slack_messages=len(world.slack.messages()),
    )
    assert found == EXPECTED[name]


def test_a_record_that_fails_unexpectedly_is_the_batchs_only_failed_item(
    world: World, runtimes: dict[str, RuntimeEmulator]
) -> None:
    """The table is gone: the exact shape of a partial failure, for the one record that needed the table."""
    world.dynamodb.delete_table(TableName=TABLE)

    invocation = runtimes["evaluate"].invoke(event("evaluate-sqs"))

    assert invocation.error_type is None
    assert invocation.payload == {"batchItemFailures": [{"itemIdentifier": "00000000-0000-4000-8000-000000000001"}]}
