"""The webhook's function behind its gate: what is enqueued, what an outage answers, what the log keeps to itself."""

import json
from typing import Any

import pytest

from tests.fakes.webhook import (
    ACCEPTED,
    ANALYSED,
    ANOTHER,
    CANONICAL,
    OUTAGES,
    SECRET,
    UNAVAILABLE,
    Webhook,
    bearing,
    event,
    logged_lines,
    signed,
)

IGNORED = (202, "Ignored: this type of event says nothing about an analysed recording.")
UUID = "01938c5e-7a10-7000-8000-000000001014"


@pytest.fixture
def webhook() -> Webhook:
    return Webhook()


class TestEvent:
    @pytest.mark.parametrize(
        ("body", "recording"),
        [
            ('{"recording_id": 123}', 123),
            ('{"recording_id": "123", "source": "replay"}', 123),
            ('{"event": "recording.completed", "data": {"id": 9}}', 9),
            (f'{{"type": "recording.analyzed", "data": {{"public_id": "{UUID.upper()}"}}}}', UUID),
            ('{"type": "x.completed", "data": {"recording_id": 5, "id": 6}}', 5),
            ('{"source": "identitycall", "detail-type": "Recording Analyzed", "detail": {"recording_id": 8}}', 8),
        ],
    )
    def test_every_form_becomes_the_canonical_event(self, webhook: Webhook, body: str, recording: int | str) -> None:
        assert webhook.post(body, signed(body)) == ACCEPTED
        assert webhook.enqueued == [{"recording_id": recording, "source": "webhook"}]

    def test_an_event_that_comes_twice_is_enqueued_twice(self, webhook: Webhook) -> None:
        headers = signed()
        assert [webhook.post(ANALYSED, headers) for _ in range(2)] == [ACCEPTED] * 2
        assert webhook.enqueued == [CANONICAL] * 2

    @pytest.mark.parametrize("body", ['{"type": "ping"}', '{"event": "recording.deleted", "data": {"id": 123}}'])
    def test_another_type_is_taken_and_counted(
        self, webhook: Webhook, body: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert webhook.post(body, signed(body)) == IGNORED
        assert webhook.enqueued == []
        assert '"WebhooksIgnored":[1.0]' in capsys.readouterr().out

    @pytest.mark.parametrize(
        ("body", "wrong"),
        [
            *((text, "not JSON") for text in ("", "{", "[" * 100_000, '{"recording_id": ' + "9" * 5_000 + "}")),
            *((text, "not a JSON object") for text in ("[]", "null", '"ping"')),
            *((text, "recording_id") for text in ("{}", '{"type": "recording.analyzed"}')),
            ('{"type": "recording.analyzed", "data": {}}', "recording_id, id or public_id"),
            ('{"type": "recording.analyzed", "data": {"id": "../1"}}', "id: '../1'"),
            ('{"type": "recording.analyzed", "data": {"public_id": true}}', "public_id: 'True'"),
            *((f'{{"recording_id": {odd}}}', "recording_id") for odd in ("0", "1e400", "NaN", '"é"', "null", "[]")),
        ],
    )
    def test_an_event_without_a_recording_is_400_and_names_the_field(
        self, webhook: Webhook, body: str, wrong: str
    ) -> None:
        status, message = webhook.post(body, signed(body))
        assert status == 400
        assert wrong in message
        assert len(message) < 250
        assert webhook.enqueued == []


class TestOutages:
    @pytest.mark.parametrize("outage", OUTAGES, ids=lambda error: type(error).__name__)
    @pytest.mark.parametrize("service", ["sqs", "ssm"])
    def test_a_service_out_of_reach_is_503_and_named_in_the_log(
        self, webhook: Webhook, monkeypatch: pytest.MonkeyPatch, service: str, outage: Exception
    ) -> None:
        getattr(webhook, service).fault = outage
        with logged_lines(monkeypatch) as lines:
            assert webhook.post(ANALYSED, signed()) == UNAVAILABLE
        assert [(line["message"], line["detail"]) for line in lines] == [("unavailable", str(outage))]
        assert webhook.enqueued == []

    @pytest.mark.parametrize("odd", [{}, {"requestContext": {}}, {"Records": []}, {"recording_id": 123}])
    def test_an_event_that_is_not_a_request_is_503(self, webhook: Webhook, odd: dict[str, Any]) -> None:
        assert webhook.handle(odd) == UNAVAILABLE

    def test_an_unexpected_error_is_logged_with_its_place_and_without_its_text(
        self, webhook: Webhook, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        webhook.sqs.fault = RuntimeError("it was secret-of-the-caller")
        with logged_lines(monkeypatch) as lines:
            assert webhook.post(ANALYSED, signed()) == UNAVAILABLE
        [line] = lines
        assert line["error"] == "RuntimeError"
        assert "event_queue.py" in str(line["where"])
        assert "secret-of-the-caller" not in str(line)


class TestLog:
    def test_the_log_never_repeats_a_request_without_credentials(
        self, webhook: Webhook, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        noise = "drivel" * 20_000
        headers = dict.fromkeys((*signed(), "authorization", "user-agent", noise), noise)
        with logged_lines(monkeypatch) as lines:
            for content_type in ("application/json", noise):
                webhook.post(noise, headers | {"content-type": content_type})
            webhook.handle(event(noise, headers.items(), noise))
        written = json.dumps(lines) + capsys.readouterr().out
        assert [line["message"] for line in lines] == ["refused"] * 3
        assert "drivel" not in written
        assert len(written) < 3_000

    def test_no_secret_and_no_signature_is_logged(
        self, webhook: Webhook, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        headers = signed()
        with logged_lines(monkeypatch) as lines:
            for each in (headers, bearing(), bearing(ANOTHER)):
                webhook.post(ANALYSED, each)
        written = json.dumps(lines) + capsys.readouterr().out
        assert '"recording_id": 123' in written
        for secret in (SECRET.removeprefix("whsec_"), ANOTHER.removeprefix("whsec_"), headers["webhook-signature"]):
            assert secret not in written
