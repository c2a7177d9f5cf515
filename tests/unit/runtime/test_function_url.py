"""What is wrong with a request as such: its method, its content type, its size, its text."""

import json
from collections.abc import Callable

import pytest

from runtime.function_url import MAX_BODY_BYTES
from tests.fakes.webhook import ACCEPTED, ANALYSED, Webhook, bearing, event, signed


@pytest.fixture
def webhook() -> Webhook:
    return Webhook()


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "post", ""])
def test_only_post_is_answered(webhook: Webhook, method: str) -> None:
    answer = webhook.receiver.handle(event(method, signed().items(), ANALYSED))
    assert (answer["statusCode"], answer["headers"]["Allow"]) == (405, "POST")


JSON_TYPES = [
    *("application/json", "APPLICATION/JSON", " application/json ", "application/json; charset=utf-8"),
    *("application/json,application/json", "application/cloudevents+json"),
    "application/vnd.identitycall.v1+json;charset=utf-8",
]
OTHER_TYPES = [
    *("text/plain", "text/plain; application/json", "application/x-www-form-urlencoded", "application/jsonp"),
    *("application/xml+jsonx", "application/notjson", "json", "", ";", ",application/json", "é" * 1_000),
]


@pytest.mark.parametrize(
    ("content_type", "status"), [*((each, 202) for each in JSON_TYPES), *((each, 415) for each in OTHER_TYPES)]
)
def test_json_is_taken_under_several_names(webhook: Webhook, content_type: str, status: int) -> None:
    assert webhook.post(ANALYSED, signed(content_type=content_type))[0] == status


def test_no_content_type_is_415(webhook: Webhook) -> None:
    headers = {name: value for name, value in signed().items() if name != "content-type"}
    assert webhook.post(ANALYSED, headers) == (415, "Content-Type must be application/json.")
    assert webhook.handle(event("POST", [], None))[0] == 415


@pytest.mark.parametrize("sent_as", [str, str.encode])
class TestSize:
    """A body comes as text, or as base64."""

    def test_256_kb_are_taken_and_one_byte_more_is_not(
        self, webhook: Webhook, sent_as: Callable[[str], str | bytes]
    ) -> None:
        largest = ANALYSED + " " * (MAX_BODY_BYTES - len(ANALYSED))
        assert webhook.post(sent_as(largest), bearing()) == ACCEPTED
        assert webhook.post(sent_as(largest + " "), bearing()) == (413, "The body is over 256 KB.")

    def test_the_size_is_counted_in_bytes(self, webhook: Webhook, sent_as: Callable[[str], str | bytes]) -> None:
        body = json.dumps({"recording_id": 1, "note": "é" * (MAX_BODY_BYTES // 2)}, ensure_ascii=False)
        assert len(body) < MAX_BODY_BYTES
        assert webhook.post(sent_as(body), bearing())[0] == 413

    def test_a_signature_is_verified_over_the_body_as_it_was_sent(
        self, webhook: Webhook, sent_as: Callable[[str], str | bytes]
    ) -> None:
        assert webhook.post(sent_as(ANALYSED), signed()) == ACCEPTED


def test_six_megabytes_are_413_before_anything_is_decoded(webhook: Webhook) -> None:
    assert webhook.handle(event("POST", bearing().items(), "x" * 6_000_000))[0] == 413
    not_even_base64 = event("POST", bearing().items(), b"") | {"body": "!" * 6_000_000}
    assert webhook.handle(not_even_base64)[0] == 413


@pytest.mark.parametrize("body", [b"\xff\xfe{}", b"\x80", ANALYSED.encode("utf-16"), b"\xed\xa0\x80"])
def test_a_body_that_is_not_utf_8_is_400_for_every_sender(webhook: Webhook, body: bytes) -> None:
    for headers in (signed(body), bearing(), {"content-type": "application/json"}):
        assert webhook.post(body, headers) == (400, "The body is not UTF-8 text.")


def test_a_lone_surrogate_and_broken_base64_are_400(webhook: Webhook) -> None:
    assert webhook.post("\ud800", bearing())[0] == 400
    assert webhook.handle(event("POST", bearing().items(), b"") | {"body": "***"})[0] == 400
