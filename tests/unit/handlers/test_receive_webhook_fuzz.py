"""Random requests: only documented answers, never an exception, and nothing enqueued for a stranger."""

import json
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from domain.recording import InvalidRecordingId, parse_recording_id
from runtime.function_url import MAX_BODY_BYTES
from tests.fakes import webhook as calls
from tests.fakes.webhook import ANALYSED, ANOTHER, SECRET, Webhook, bearing, signed

DOCUMENTED = {202, 400, 401, 405, 413, 415}
"""Without 503: everything behind the function is well."""

many = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True)

KNOWN_NAMES = ["content-type", "webhook-id", "webhook-timestamp", "webhook-signature", "authorization"]
a_case = st.sampled_from([str.lower, str.upper, str.title, str.swapcase])
odd_text = st.text(st.characters(exclude_categories=())) | st.sampled_from(["", "v1,", "Bearer ", "1" * 30, SECRET])
header_names = st.builds(lambda name, case: case(name), st.sampled_from(KNOWN_NAMES), a_case) | odd_text
headers = st.lists(st.tuples(header_names, odd_text), max_size=8)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
ids = json_values | st.integers(1, 10**19) | st.uuids().map(str) | st.sampled_from([0, -1, "../1", "1" * 5_000, True])
types = st.sampled_from(["recording.analyzed", "recording.deleted", "ping", "analysis.completed", ""]) | json_values
envelopes = st.one_of(
    st.fixed_dictionaries({"recording_id": ids}, optional={"source": types, "type": types}),
    st.fixed_dictionaries(
        {},
        optional={
            "type": types,
            "event": types,
            "data": json_values
            | st.fixed_dictionaries({}, optional={"recording_id": ids, "id": ids, "public_id": ids}),
            "Type": types | st.just("Notification"),
            "Message": json_values | st.just(ANALYSED),
            "detail-type": types | st.just("Recording Analyzed"),
            "source": types | st.just("identitycall"),
            "detail": json_values | st.fixed_dictionaries({"recording_id": ids}),
        },
    ),
)
json_bodies = (envelopes | json_values).map(json.dumps)
utf8_bodies = json_bodies | st.text(st.characters(exclude_categories=["Cs"]))
bodies = utf8_bodies | st.binary() | json_bodies.map(lambda text: text.encode("utf-16"))


def answered(webhook: Webhook, method: str, pairs: list[tuple[str, str]], body: str | bytes | None) -> int:
    status, message = webhook.handle(calls.event(method, pairs, body))
    event(f"answered {status}")
    assert status in DOCUMENTED
    assert 0 < len(message) < 300
    assert (status == 202) >= bool(webhook.enqueued)
    return status


@many
@given(
    method=st.just("POST") | odd_text,
    content_type=st.just([("content-type", "application/json")]) | st.just([]),
    pairs=headers,
    body=bodies | st.none() | odd_text,
)
def test_a_stranger_s_request(
    method: str, content_type: list[tuple[str, str]], pairs: list[tuple[str, str]], body: str | bytes | None
) -> None:
    webhook = Webhook(ANOTHER)
    others = [(name, value) for name, value in pairs if name.lower() != "content-type" or not content_type]
    status = answered(webhook, method, [*others, *content_type], body)
    assert status != 202
    assert (status == 405) is (method != "POST")
    assert webhook.enqueued == []


@many
@given(pairs=headers, body=bodies, prove=st.sampled_from([signed, lambda _: bearing()]))
def test_a_friend_s_request(
    pairs: list[tuple[str, str]], body: str | bytes, prove: Callable[[str | bytes], dict[str, str]]
) -> None:
    """With good credentials the body alone decides."""
    webhook, good = Webhook(), prove(body)
    others = [(name, value) for name, value in pairs if name.lower() not in KNOWN_NAMES]
    status = answered(webhook, "POST", [*others, *good.items()], body)
    assert status in ({202, 400} if len(body) < MAX_BODY_BYTES else {413})
    assert all(is_canonical(found) for found in webhook.enqueued)


def is_canonical(found: Any) -> bool:
    """As the evaluation function takes it, and nothing else of what was sent."""
    try:
        return bool(found == {"recording_id": parse_recording_id(found["recording_id"]), "source": "webhook"})
    except InvalidRecordingId:
        return False


requests_of_no_kind = st.dictionaries(
    st.sampled_from(["headers", "body", "isBase64Encoded", "requestContext", "version"]), json_values
)


@many
@given(
    requests_of_no_kind
    | st.builds(lambda odd: calls.event("POST", bearing().items(), ANALYSED) | odd, requests_of_no_kind)
)
def test_what_lambda_never_delivers(odd: dict[str, Any]) -> None:
    """503, and no exception."""
    status, _ = Webhook().handle(odd)
    assert status in DOCUMENTED | {503}
