"""What nobody can read reaches the dead-letter queue whole, with the reason; its neighbours are judged all the same."""

import json
from functools import partial

import pytest

from local.emulator import QueuedMessage
from local.stack import LocalStack
from tests.e2e.conftest import MakeRecording

UNREADABLE = [
    "not json {}",
    "[]",
    '{"recording_id": "../1"}',
    '{"recording_id": 1e400}',
    '{"recording_id": "٣"}',
    '{"source": "somebody", "detail-type": "Recording Analyzed", "detail": {"recording_id": 5}}',
]
"""One of each sort; `tests/unit/domain` has many more."""


def buried(stack: LocalStack, body: str) -> QueuedMessage | None:
    return next((message for message in stack.dead_letters() if message.body == body), None)


@pytest.fixture(scope="module")
def sent(stack: LocalStack) -> None:
    for body in UNREADABLE:
        stack.send(body)


@pytest.mark.usefixtures("sent")
@pytest.mark.parametrize("body", UNREADABLE)
def test_it_is_buried_with_the_reason(stack: LocalStack, body: str) -> None:
    message = stack.wait_for(f"{body} in the dead-letter queue", lambda: buried(stack, body))
    assert message.attributes["dead_letter_reason"] == "malformed_event"
    assert message.attributes["dead_letter_message"].startswith("The event cannot be read: ")


def test_a_body_of_a_megabyte(stack: LocalStack) -> None:
    body = json.dumps({"padding": "x" * 1_040_000})
    stack.send(body)
    message = stack.wait_for(
        "it in the dead-letter queue",
        lambda: next((each for each in stack.dead_letters() if each.body.startswith('{"padding"')), None),
    )
    assert message.attributes["dead_letter_reason"] == "malformed_event"
    assert body.startswith(message.body[:1_000_000])


def test_its_neighbours_in_a_batch_are_judged(stack: LocalStack, make_recording: MakeRecording) -> None:
    good = [make_recording(goals=[]) for _ in range(4)]
    bodies = [json.dumps({"recording_id": recording.id}) for recording in good]
    bodies.insert(2, "neighbour that cannot be read")
    stack.client("sqs").send_message_batch(
        QueueUrl=stack.outputs["EventQueueUrl"],
        Entries=[{"Id": str(number), "MessageBody": body} for number, body in enumerate(bodies)],
    )
    for recording in good:
        stack.wait_for(f"outcome of {recording.id}", partial(stack.outcome, recording.id))
    stack.wait_for("the bad one", lambda: buried(stack, "neighbour that cannot be read"))
