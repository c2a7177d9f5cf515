"""Random requests: only documented answers, never an exception, and nothing enqueued for a stranger."""

import json
from typing import Any

from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from tests.fakes import webhook as calls
from tests.fakes.webhook import ANALYSED, ANOTHER, SECRET, Webhook, bearing

DOCUMENTED = {202, 400, 401, 405, 413, 415}
"""Without 503: everything behind the function is well."""

many = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True)

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
bodies = json_values.map(json.dumps) | st.text(st.characters(exclude_categories=["Cs"])) | st.binary()


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
def test_a_request_without_credentials_is_refused_in_a_documented_way(
    method: str, content_type: list[tuple[str, str]], pairs: list[tuple[str, str]], body: str | bytes | None
) -> None:
    webhook = Webhook(ANOTHER)
    others = [(name, value) for name, value in pairs if name.lower() != "content-type" or not content_type]
    status = answered(webhook, method, [*others, *content_type], body)
    assert status != 202
    assert (status == 405) is (method != "POST")
    assert webhook.enqueued == []


requests_of_no_kind = st.dictionaries(
    st.sampled_from(["headers", "body", "isBase64Encoded", "requestContext", "version"]), json_values
)


@many
@given(
    requests_of_no_kind
    | st.builds(lambda odd: calls.event("POST", bearing().items(), ANALYSED) | odd, requests_of_no_kind)
)
def test_an_event_that_lambda_never_delivers_is_answered(odd: dict[str, Any]) -> None:
    """503, and no exception."""
    status, _ = Webhook().handle(odd)
    assert status in DOCUMENTED | {503}
