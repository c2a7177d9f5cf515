"""Every form of event, and every bad one: read into a recording and its source, or refused with its fault named."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.triggers.recording_events import Announcement, MalformedEvent, read, read_text
from domain.triggers.source import Source
from tests.fakes.make import UUID

EVENTBRIDGE = {
    "version": "0",
    "id": "6a7e8feb-b491-4cf7-a9f1-bf3703467718",
    "detail-type": "Recording Analyzed",
    "source": "identitycall",
    "account": "123456789012",
    "time": "2026-11-23T12:00:00Z",
    "detail": {"recording_id": 123},
}
NOON = 1_795_435_200_000


def sns(message: Any) -> dict[str, Any]:
    text = message if isinstance(message, str) else json.dumps(message)
    return {"Type": "Notification", "MessageId": "1", "TopicArn": "arn:aws:sns:…", "Message": text}


AT_NOON = Announcement(123, Source.EVENTBRIDGE, NOON)
FROM_QUEUE = Announcement(123, Source.QUEUE)
FROM_WEBHOOK = Announcement(123, Source.WEBHOOK)

FORMS: dict[str, tuple[Any, Announcement]] = {
    "bare": ({"recording_id": 123}, FROM_QUEUE),
    "bare, as text": ({"recording_id": "123"}, FROM_QUEUE),
    "bare, a UUID in capitals": ({"recording_id": UUID.upper()}, Announcement(UUID, Source.QUEUE)),
    "bare, with more in it": ({"recording_id": 123, "x": {}}, FROM_QUEUE),
    **{f"bare, from {each}": ({"recording_id": 123, "source": each}, Announcement(123, each)) for each in Source},
    "bare, from a stranger": ({"recording_id": 123, "source": "evil"}, FROM_QUEUE),
    "bare, from a number": ({"recording_id": 123, "source": 7}, FROM_QUEUE),
    "EventBridge": (EVENTBRIDGE, AT_NOON),
    "EventBridge, a UUID": (EVENTBRIDGE | {"detail": {"recording_id": UUID}}, replace(AT_NOON, recording=UUID)),
    "EventBridge, no time": (EVENTBRIDGE | {"time": None}, Announcement(123, Source.EVENTBRIDGE)),
    "EventBridge, an odd time": (EVENTBRIDGE | {"time": "soon"}, Announcement(123, Source.EVENTBRIDGE)),
    "EventBridge, a time that is no text": (EVENTBRIDGE | {"time": [1]}, Announcement(123, Source.EVENTBRIDGE)),
    "EventBridge, whose detail names a source": (
        EVENTBRIDGE | {"detail": {"recording_id": 123, "source": "discovery"}},
        AT_NOON,
    ),
    "webhook by event": ({"event": "recording.analyzed", "data": {"recording_id": 123}}, FROM_WEBHOOK),
    "webhook by type": ({"type": "recording.analyzed", "data": {"id": 123}}, FROM_WEBHOOK),
    "webhook, public id": ({"event": "x", "data": {"public_id": UUID}}, Announcement(UUID, Source.WEBHOOK)),
    "webhook, all three ids": ({"event": "x", "data": {"public_id": UUID, "id": 4, "recording_id": 123}}, FROM_WEBHOOK),
    "webhook, two ids": (
        {"event": "x", "data": {"public_id": UUID, "id": 4, "recording_id": None}},
        Announcement(4, Source.WEBHOOK),
    ),
    "SNS around bare": (sns({"recording_id": 123}), FROM_QUEUE),
    "SNS around EventBridge": (sns(EVENTBRIDGE), AT_NOON),
    "SNS around a webhook": (sns({"type": "x", "data": {"id": "9"}}), Announcement(9, Source.WEBHOOK)),
}


@pytest.mark.parametrize(("event", "read_as"), FORMS.values(), ids=FORMS)
def test_a_form_is_read_as_an_event_and_as_text(event: Any, read_as: Announcement) -> None:
    assert read(event) == read_as
    assert read_text(json.dumps(event)) == read_as


BAD_FORMS: dict[str, tuple[Any, str]] = {
    "null": (None, "not a JSON object"),
    "a number": (123, "not a JSON object"),
    "text": ("123", "not a JSON object"),
    "a list": ([{"recording_id": 123}], "not a JSON object"),
    "empty": ({}, "it has no recording_id"),
    "another name": ({"recordingId": 123}, "it has no recording_id"),
    "null for an id": ({"recording_id": None}, "it has no recording_id"),
    "an id outside the data": ({"event": "x", "recording_id": None, "data": {}}, "recording_id, id or public_id"),
    "no id in the data": ({"type": "x", "data": {"name": "a"}}, "recording_id, id or public_id"),
    "data that is text": ({"type": "x", "data": "123"}, "it has no recording_id"),
    "EventBridge from another source": (EVENTBRIDGE | {"source": "aws.s3"}, 'from "identitycall"'),
    "EventBridge of another type": (EVENTBRIDGE | {"detail-type": "Deleted"}, 'must be "Recording Analyzed"'),
    "EventBridge, detail as text": (EVENTBRIDGE | {"detail": "123"}, "detail is not an object"),
    "EventBridge, detail null": (EVENTBRIDGE | {"detail": None}, "detail is not an object"),
    "EventBridge, no id": (EVENTBRIDGE | {"detail": {"id": 1}}, "it has no recording_id"),
    "SNS around no JSON": (sns("hello"), "the SNS message is not JSON"),
    "SNS around nothing": (sns(""), "the SNS message is not JSON"),
    "SNS around SNS": (sns(sns({"recording_id": 123})), "it has no recording_id"),
    "SNS confirming a subscription": ({"Type": "SubscriptionConfirmation", "Message": "…"}, "it has no recording_id"),
}


@pytest.mark.parametrize(("event", "fault"), BAD_FORMS.values(), ids=BAD_FORMS)
def test_another_shape_is_refused_with_its_fault_named(event: Any, fault: str) -> None:
    with pytest.raises(MalformedEvent, match=fault) as refused:
        read_text(json.dumps(event))
    assert refused.value.word == "malformed_event"


BAD_BODIES = [
    *("", " ", "hello", "{", "{'recording_id': 123}", '{"recording_id": 123', '{"recording_id": 123}}', "\ufeff{}"),
    *("[" * 100_000, '{"a":' * 100_000, "x" * 1_048_576),
    *('{"recording_id": "\\ud800"}', '{"recording_id": ' + "9" * 5_000 + "}"),
]


@pytest.mark.parametrize("body", BAD_BODIES, ids=lambda body: body[:20])
def test_a_body_that_is_not_json_is_refused(body: str) -> None:
    with pytest.raises(MalformedEvent, match="the body is not JSON"):
        read_text(body)


@pytest.mark.parametrize(
    "written",
    ['"../1"', "0", "-1", "true", "1e400", "-1e400", "NaN", "1.0", '"0"', '"1e3"', "[1]", '{"a": 1}', '""', '"1/../2"',
     '"\\u0000"', '"\\uffff"', "10000000000000000000", '"' + "a" * 1_000_000 + '"', "[" * 150 + "]" * 150],
    ids=lambda text: text[:20],
)  # fmt: skip
@pytest.mark.parametrize("around", ['{{"recording_id": {}}}', '{{"type": "x", "data": {{"id": {}}}}}'])
def test_a_bad_id_is_refused_wherever_it_stands_and_never_repeated_at_length(written: str, around: str) -> None:
    with pytest.raises(MalformedEvent, match="is not a recording id") as refused:
        read_text(around.format(written))
    assert len(str(refused.value)) < 250


NAMES = ["recording_id", "data", "id", "detail", "source", "detail-type", "type", "event", "Type", "Message"]
WORDS = ["Notification", "identitycall", "Recording Analyzed", '{"recording_id": 1}', 5]
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(WORDS),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(NAMES), inner | st.sampled_from(WORDS), max_size=5)
    ),
    max_leaves=12,
)


@given(JSON_VALUES)
def test_any_json_is_read_or_refused(event: Any) -> None:
    try:
        announced = read(event)
    except MalformedEvent:
        return
    assert isinstance(announced.recording, int | str)


@given(st.text())
def test_any_text_is_read_or_refused_with_a_word(body: str) -> None:
    with pytest.raises(MalformedEvent, match=r"^The event cannot be read: ") as refused:
        read_text(body)
    assert refused.value.word == "malformed_event"
