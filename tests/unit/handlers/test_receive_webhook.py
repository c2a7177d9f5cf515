"""The webhook's function: who is let in, what is taken, and the answer to everything else."""

import io
import json
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Any, Self

import pytest
import standardwebhooks.webhooks

from handlers import receive_webhook
from runtime.function_url import MAX_BODY_BYTES
from tests.fakes.webhook import ANALYSED, ANOTHER, OUTAGES, SECRET, Webhook, bearing, event, signature, signed

ACCEPTED = (202, "Accepted.")
IGNORED = (202, "Ignored: this type of event says nothing about an analysed recording.")
NOT_AUTHORIZED = (401, "Not authorized.")
UNAVAILABLE = (503, "Not taken; please send it again later.")
UUID = "01938c5e-7a10-7000-8000-000000001014"
TOKEN_ONLY = "this is not base64, at all!".replace(" ", "-")  # its alphabet is not base64's
SHORT = "a-secret-of-23-letters!"
LONG_ENOUGH = SHORT + "!"
CANONICAL = {"recording_id": 123, "source": "webhook"}
SOURCES = Path(__file__).parents[3] / "src"


@pytest.fixture(autouse=True)
def namespace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "IdentityCallAlerts")


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """What the function logs; its metrics go to standard output."""
    written = io.StringIO()
    monkeypatch.setattr(receive_webhook.logger.registered_handler, "stream", written)
    return written


@pytest.fixture
def webhook() -> Webhook:
    return Webhook()


def metrics(output: str) -> list[dict[str, Any]]:
    """The metrics of a log, each with its dimensions."""
    lines = [json.loads(line) for line in output.splitlines() if '"_aws"' in line]
    return [{name: value for name, value in line.items() if name not in ("_aws", "service")} for line in lines]


def lines(log: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.getvalue().splitlines()]


class TestSignature:
    def test_a_signed_event_is_put_into_the_queue_in_its_canonical_form(self, webhook: Webhook) -> None:
        assert webhook.post(ANALYSED, signed()) == ACCEPTED
        assert webhook.enqueued == [CANONICAL]

    def test_a_body_that_comes_as_base64_is_verified_as_it_was_sent(self, webhook: Webhook) -> None:
        assert webhook.post(ANALYSED.encode(), signed()) == ACCEPTED

    def test_the_example_of_the_specification_s_own_library(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The package's published test vector, at its own time."""
        at(monkeypatch, 1_614_265_330)
        webhook = Webhook("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
        headers = {
            "content-type": "application/json",
            "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
            "webhook-timestamp": "1614265330",
            "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        }
        status, message = webhook.post('{"test": 2432232314}', headers)
        assert status == 400  # let in: it is only no event of ours
        assert "recording_id" in message

    def test_header_names_are_read_in_any_case(self, webhook: Webhook) -> None:
        headers = {name.title(): value for name, value in signed().items()}
        assert "Webhook-Signature" in headers
        assert webhook.post(ANALYSED, headers) == ACCEPTED

    @pytest.mark.parametrize("separator", [" ", ",", ", ", " v1a,xyz v2,abc "])
    @pytest.mark.parametrize("ours_first", [True, False])
    def test_one_good_signature_among_others_is_enough(
        self, webhook: Webhook, separator: str, ours_first: bool
    ) -> None:
        """A list as the specification has it, and the header repeated, which Lambda joins by a comma."""
        headers = signed()
        both = [headers["webhook-signature"], signature(ANALYSED, ANOTHER, 1, "msg_1")]
        headers["webhook-signature"] = separator.join(both if ours_first else both[::-1])
        assert webhook.post(ANALYSED, headers) == ACCEPTED

    def test_a_repeated_header_in_two_cases_is_joined(self, webhook: Webhook) -> None:
        headers = signed() | {"Webhook-Signature": signature(ANALYSED, ANOTHER, 1, "msg_1")}
        assert webhook.post(ANALYSED, headers) == ACCEPTED

    @pytest.mark.parametrize("secret", [SECRET, SECRET.removeprefix("whsec_"), SECRET.rstrip("=")])
    def test_the_prefix_and_the_padding_are_for_the_asking(self, secret: str) -> None:
        assert Webhook(secret).post(ANALYSED, signed()) == ACCEPTED

    @pytest.mark.parametrize("stored", [f"{ANOTHER} {SECRET}", f"\n{SECRET}\n\t{ANOTHER}\n", f"{TOKEN_ONLY} {SECRET}"])
    def test_every_stored_secret_counts(self, stored: str) -> None:
        assert Webhook(stored).post(ANALYSED, signed()) == ACCEPTED

    @pytest.mark.parametrize(
        "wrong",
        [
            {"secret": ANOTHER},
            {"body": ANALYSED + " "},
            *({"age_s": age_s} for age_s in (400, -400, 10**9)),
            *({"webhook_id": odd} for odd in ("msg_2", "msg_1,msg_1", "", "\ud800")),
            *({"webhook_timestamp": odd} for odd in ("", "now", "nan", "inf", "1e9", "-1", "٣", "1" * 400, "1,1")),
            *({"webhook_signature": odd} for odd in ("", "v1", "v1,", ",", " ", "v1,AAAA", "v1,=", "v1," + "A" * 44)),
            *({"webhook_signature": "v1," + odd} for odd in ("é" * 43 + "=", "A" * 100_000)),
        ],
    )
    def test_any_part_that_is_wrong_is_refused_with_the_same_words(
        self, webhook: Webhook, wrong: dict[str, Any]
    ) -> None:
        assert webhook.post(ANALYSED, signed(**wrong)) == NOT_AUTHORIZED
        assert webhook.enqueued == []

    @pytest.mark.parametrize(
        "spoil",
        [
            lambda good: good.replace("v1,", "v2,"),
            lambda good: good.replace("v1,", ""),
            lambda good: good.rstrip("="),
            lambda good: good + "=",
            lambda good: good.swapcase(),
            lambda good: good[:3] + "." + good[4:],
        ],
    )
    def test_a_signature_of_the_wrong_version_length_or_alphabet_is_refused(
        self, webhook: Webhook, spoil: Callable[[str], str]
    ) -> None:
        headers = signed()
        headers["webhook-signature"] = spoil(headers["webhook-signature"])
        assert webhook.post(ANALYSED, headers) == NOT_AUTHORIZED

    @pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
    def test_each_of_the_three_headers_is_needed(self, webhook: Webhook, name: str) -> None:
        headers = signed()
        del headers[name]
        assert webhook.post(ANALYSED, headers) == NOT_AUTHORIZED

    def test_the_time_is_signed_too(self, webhook: Webhook) -> None:
        headers = signed()
        headers["webhook-timestamp"] = str(int(headers["webhook-timestamp"]) + 1)
        assert webhook.post(ANALYSED, headers) == NOT_AUTHORIZED

    @pytest.mark.parametrize("ahead", [-300, -299, 0, 299, 300])
    def test_five_minutes_are_tolerated_both_ways(
        self, webhook: Webhook, monkeypatch: pytest.MonkeyPatch, ahead: int
    ) -> None:
        headers = signed()
        at(monkeypatch, int(headers["webhook-timestamp"]) + ahead)
        assert webhook.post(ANALYSED, headers) == ACCEPTED

    @pytest.mark.parametrize("ahead", [-301, 301])
    def test_a_second_more_is_not(self, webhook: Webhook, monkeypatch: pytest.MonkeyPatch, ahead: int) -> None:
        headers = signed()
        at(monkeypatch, int(headers["webhook-timestamp"]) + ahead)
        assert webhook.post(ANALYSED, headers) == NOT_AUTHORIZED


def at(monkeypatch: pytest.MonkeyPatch, epoch_s: int) -> None:
    """Stop the package's own clock."""

    class Stopped(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Self:
            return cls.fromtimestamp(epoch_s, tz=tz or UTC)

    monkeypatch.setattr(standardwebhooks.webhooks, "datetime", Stopped)


class TestToken:
    @pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "  Bearer  "])
    def test_a_stored_secret_as_token_lets_in(self, webhook: Webhook, scheme: str) -> None:
        assert webhook.post(ANALYSED, bearing(authorization=f"{scheme} {SECRET}")) == ACCEPTED
        assert webhook.enqueued == [CANONICAL]

    def test_every_stored_secret_is_a_token(self) -> None:
        webhook = Webhook(f"{ANOTHER}\n{TOKEN_ONLY} {SECRET}")
        assert [webhook.post(ANALYSED, bearing(token)) for token in (SECRET, ANOTHER, TOKEN_ONLY)] == [ACCEPTED] * 3

    @pytest.mark.parametrize(
        "authorization",
        [
            *(
                "",
                "Bearer",
                "Bearer ",
                SECRET,
                f"Basic {SECRET}",
                f"Bearer {SECRET},Bearer {SECRET}",
                f"Bearer{SECRET}",
            ),
            *(f"Bearer {wrong}" for wrong in (ANOTHER, SECRET.removeprefix("whsec_"), SECRET[:-1], SECRET + SECRET)),
            *("Bearer é", "Bearer \ud800", "Bearer " + "A" * 100_000),
        ],
    )
    def test_any_other_token_is_refused_with_the_same_words(self, webhook: Webhook, authorization: str) -> None:
        assert webhook.post(ANALYSED, bearing(authorization=authorization)) == NOT_AUTHORIZED
        assert webhook.enqueued == []

    @pytest.mark.parametrize(
        "odd", ["x-" * 12, "whsec_" + "not-base64!" * 2, "A" * 25, "ключ" * 6, "=" * 24, "whsec_" + "=" * 18]
    )
    def test_what_cannot_sign_is_a_token_all_the_same(self, odd: str) -> None:
        webhook = Webhook(f"{odd} {SECRET}")
        assert webhook.post(ANALYSED, bearing(odd)) == ACCEPTED
        assert webhook.post(ANALYSED, signed()) == ACCEPTED

    def test_a_secret_with_noise_in_it_is_no_weaker_key(self) -> None:
        """Decoded leniently this one would be the key of `QUJD`, which is much shorter than it looks."""
        noisy = "whsec_" + "--".join("QUJD") + "-" * 12
        assert Webhook(noisy).post(ANALYSED, signed(secret="QUJD")) == NOT_AUTHORIZED
        assert Webhook(noisy).post(ANALYSED, bearing(noisy)) == ACCEPTED

    def test_a_good_signature_beside_a_wrong_token_lets_in(self, webhook: Webhook) -> None:
        assert webhook.post(ANALYSED, signed(authorization="Bearer of-somebody-else")) == ACCEPTED


class TestNothingStored:
    @pytest.mark.parametrize("stored", [None, "", " \n", "whsec_", " whsec_ "])
    def test_every_call_is_refused(self, stored: str | None) -> None:
        webhook = Webhook(stored)
        empty_key = signed(secret="")
        for headers in (signed(), empty_key, bearing(), bearing(""), bearing("whsec_"), bearing("None"), {}):
            assert webhook.post(ANALYSED, {"content-type": "application/json", **headers}) == NOT_AUTHORIZED
        assert webhook.enqueued == []

    def test_a_secret_stored_later_counts_within_a_minute(self) -> None:
        webhook = Webhook(None)
        assert webhook.post(ANALYSED, bearing()) == NOT_AUTHORIZED
        webhook.ssm.secret = SECRET
        webhook.clock.advance(60_000)
        assert webhook.post(ANALYSED, bearing()) == ACCEPTED


class TestShortSecrets:
    """A stored word under 24 characters could be guessed: it does not count, in either way of using it."""

    @pytest.mark.parametrize(
        ("stored", "token"),
        [
            (SHORT, SHORT),
            ("Bearer x", "Bearer"),
            ("Bearer x", "x"),
            *(("correct horse battery staple", word) for word in ("correct", "horse", "battery", "staple")),
            (f"{SHORT} {SECRET}", SHORT),
        ],
    )
    def test_it_is_no_token(self, stored: str, token: str) -> None:
        webhook = Webhook(stored)
        assert webhook.post(ANALYSED, bearing(token)) == NOT_AUTHORIZED
        assert webhook.enqueued == []

    def test_it_does_not_sign(self) -> None:
        short = "whsec_" + "QUJD" * 4
        assert Webhook(short).post(ANALYSED, signed(secret=short)) == NOT_AUTHORIZED

    def test_24_characters_as_stored_are_enough(self) -> None:
        assert len(LONG_ENOUGH) == 24
        assert Webhook(LONG_ENOUGH).post(ANALYSED, bearing(LONG_ENOUGH)) == ACCEPTED
        with_prefix = "whsec_QUJDQUJDQUJDQUJDQU"
        assert Webhook(with_prefix).post(ANALYSED, signed(secret=with_prefix + "==")) == ACCEPTED

    def test_characters_are_counted_and_not_bytes(self) -> None:
        assert Webhook("ключ" * 5).post(ANALYSED, bearing("ключ" * 5)) == NOT_AUTHORIZED

    def test_the_long_ones_count_all_the_same(self) -> None:
        assert Webhook(f"{SHORT} {SECRET} x").post(ANALYSED, signed()) == ACCEPTED

    def test_a_refused_call_s_log_says_how_many_are_ignored(self, log: io.StringIO) -> None:
        webhook = Webhook(f"{SHORT} {SECRET} x")
        webhook.post(ANALYSED, bearing(SHORT))
        [line] = lines(log)
        assert line["reason"] == "no_match"
        assert line["detail"] == "Stored secrets that are ignored for having under 24 characters: 2."

    def test_an_accepted_call_s_log_does_not(self, log: io.StringIO) -> None:
        Webhook(f"{SHORT} {SECRET}").post(ANALYSED, bearing())
        assert "ignored" not in log.getvalue()

    def test_without_short_ones_nothing_is_said_of_them(self, webhook: Webhook, log: io.StringIO) -> None:
        webhook.post(ANALYSED, bearing(ANOTHER))
        [line] = lines(log)
        assert "detail" not in line

    def test_none_is_logged(self, log: io.StringIO) -> None:
        for stored in (SHORT, f"{SHORT} {SECRET}"):
            Webhook(stored).post(ANALYSED, bearing(SHORT))
        assert SHORT not in log.getvalue()


class TestRotation:
    def test_secrets_are_changed_without_loss(self) -> None:
        """Old; old and new; new: at each step whoever still has the old one, or has the new one already, gets in."""
        webhook = Webhook(SECRET)
        assert webhook.post(ANALYSED, signed()) == ACCEPTED
        webhook.ssm.secret = f"{ANOTHER} {SECRET}"
        webhook.clock.advance(60_000)
        assert webhook.post(ANALYSED, signed()) == ACCEPTED
        assert webhook.post(ANALYSED, signed(secret=ANOTHER)) == ACCEPTED
        webhook.ssm.secret = ANOTHER
        webhook.clock.advance(60_000)
        assert webhook.post(ANALYSED, signed()) == NOT_AUTHORIZED
        assert webhook.post(ANALYSED, signed(secret=ANOTHER)) == ACCEPTED


class TestRequest:
    @pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "post", ""])
    def test_only_post_is_answered(self, webhook: Webhook, method: str) -> None:
        answer = webhook.receiver.handle(event(method, signed().items(), ANALYSED))
        assert (answer["statusCode"], answer["headers"]["Allow"]) == (405, "POST")

    @pytest.mark.parametrize(
        "content_type",
        [
            "application/json",
            "APPLICATION/JSON",
            " application/json ",
            "application/json; charset=utf-8",
            "application/json,application/json",
            "application/cloudevents+json",
            "application/vnd.identitycall.v1+json;charset=utf-8",
        ],
    )
    def test_json_goes_by_several_names(self, webhook: Webhook, content_type: str) -> None:
        assert webhook.post(ANALYSED, signed(content_type=content_type)) == ACCEPTED

    @pytest.mark.parametrize(
        "content_type",
        [
            *("text/plain", "text/plain; application/json", "application/x-www-form-urlencoded", "application/jsonp"),
            *("application/xml+jsonx", "json", "", ";", ",application/json", "é" * 1_000),
        ],
    )
    def test_any_other_is_415(self, webhook: Webhook, content_type: str) -> None:
        assert webhook.post(ANALYSED, signed(content_type=content_type))[0] == 415

    def test_no_content_type_is_415(self, webhook: Webhook) -> None:
        headers = signed()
        del headers["content-type"]
        assert webhook.post(ANALYSED, headers) == (415, "Content-Type must be application/json.")
        assert webhook.handle(event("POST", [], None))[0] == 415

    @pytest.mark.parametrize("as_bytes", [True, False])
    def test_a_body_of_256_kb_is_taken_and_one_byte_more_is_not(self, webhook: Webhook, as_bytes: bool) -> None:
        largest = ANALYSED + " " * (MAX_BODY_BYTES - len(ANALYSED))
        for body, wanted in [(largest, ACCEPTED), (largest + " ", (413, "The body is over 256 KB."))]:
            assert webhook.post(body.encode() if as_bytes else body, bearing()) == wanted

    @pytest.mark.parametrize("as_bytes", [True, False])
    def test_size_is_counted_in_bytes(self, webhook: Webhook, as_bytes: bool) -> None:
        body = json.dumps({"recording_id": 1, "note": "é" * (MAX_BODY_BYTES // 2)}, ensure_ascii=False)
        assert len(body) < MAX_BODY_BYTES
        assert webhook.post(body.encode() if as_bytes else body, bearing())[0] == 413

    def test_six_megabytes_are_413_before_anything_is_decoded(self, webhook: Webhook) -> None:
        assert webhook.handle(event("POST", bearing().items(), "x" * 6_000_000))[0] == 413
        not_even_base64 = event("POST", bearing().items(), b"") | {"body": "!" * 6_000_000}
        assert webhook.handle(not_even_base64)[0] == 413

    @pytest.mark.parametrize("body", [b"\xff\xfe{}", b"\x80", ANALYSED.encode("utf-16"), b"\xed\xa0\x80"])
    def test_what_is_not_utf_8_is_400_with_a_good_signature_too(self, webhook: Webhook, body: bytes) -> None:
        for headers in (signed(body), bearing(), {"content-type": "application/json"}):
            assert webhook.post(body, headers) == (400, "The body is not UTF-8 text.")

    def test_a_lone_surrogate_is_not_utf_8_either(self, webhook: Webhook) -> None:
        assert webhook.post("\ud800", bearing())[0] == 400

    def test_a_body_that_is_not_the_base64_it_claims_to_be_is_400(self, webhook: Webhook) -> None:
        assert webhook.handle(event("POST", bearing().items(), b"") | {"body": "***"})[0] == 400

    def test_a_refused_stranger_is_told_how_to_come_in(self, webhook: Webhook) -> None:
        answer = webhook.receiver.handle(event("POST", [("content-type", "application/json")], ANALYSED))
        assert answer["headers"]["WWW-Authenticate"] == "Bearer"


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
    def test_every_form_becomes_the_same_canonical_event(
        self, webhook: Webhook, body: str, recording: int | str
    ) -> None:
        assert webhook.post(body, signed(body)) == ACCEPTED
        assert webhook.enqueued == [{"recording_id": recording, "source": "webhook"}]

    def test_what_comes_twice_is_enqueued_twice(self, webhook: Webhook) -> None:
        headers = signed()
        assert [webhook.post(ANALYSED, headers) for _ in range(2)] == [ACCEPTED] * 2
        assert webhook.enqueued == [CANONICAL] * 2

    @pytest.mark.parametrize("body", ['{"type": "ping"}', '{"event": "recording.deleted", "data": {"id": 123}}'])
    def test_a_type_that_is_not_ours_is_taken_and_counted(
        self, webhook: Webhook, body: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert webhook.post(body, signed(body)) == IGNORED
        assert webhook.enqueued == []
        assert {"WebhooksIgnored": [1.0]} in metrics(capsys.readouterr().out)

    @pytest.mark.parametrize(
        ("body", "wrong"),
        [
            ("", "not JSON"),
            ("{", "not JSON"),
            ("[" * 100_000, "not JSON"),
            ("[]", "not a JSON object"),
            ("null", "not a JSON object"),
            ('"ping"', "not a JSON object"),
            ("{}", "recording_id"),
            ('{"type": "recording.analyzed"}', "recording_id"),
            ('{"type": "recording.analyzed", "data": []}', "recording_id"),
            ('{"type": "recording.analyzed", "data": {}}', "recording_id, id or public_id"),
            ('{"type": "recording.analyzed", "data": {"id": "../1"}}', "id: '../1'"),
            ('{"type": "recording.analyzed", "data": {"public_id": true}}', "public_id: 'True'"),
            *(
                (f'{{"recording_id": {odd}}}', "recording_id")
                for odd in ("0", "-1", "1e400", "NaN", '"é"', "null", "[]")
            ),
            ('{"recording_id": ' + "9" * 5_000 + "}", "not JSON"),
        ],
    )
    def test_what_names_no_recording_is_400_and_says_which_field(self, webhook: Webhook, body: str, wrong: str) -> None:
        status, message = webhook.post(body, signed(body))
        assert status == 400
        assert wrong in message
        assert len(message) < 250
        assert webhook.enqueued == []

    def test_nothing_is_parsed_for_a_stranger(self, webhook: Webhook) -> None:
        assert webhook.post("{", {"content-type": "application/json"}) == NOT_AUTHORIZED


class TestOutages:
    @pytest.mark.parametrize("outage", OUTAGES, ids=lambda error: type(error).__name__)
    def test_a_queue_that_does_not_take_it_is_503(self, webhook: Webhook, outage: Exception) -> None:
        webhook.sqs.fault = outage
        assert webhook.post(ANALYSED, signed()) == UNAVAILABLE

    @pytest.mark.parametrize("outage", OUTAGES, ids=lambda error: type(error).__name__)
    def test_an_unknown_secret_with_parameter_store_out_of_reach_is_503(
        self, webhook: Webhook, outage: Exception
    ) -> None:
        webhook.ssm.fault = outage
        assert webhook.post(ANALYSED, signed()) == UNAVAILABLE
        assert webhook.enqueued == []

    def test_a_secret_that_is_known_outlives_the_outage(self, webhook: Webhook) -> None:
        assert webhook.post(ANALYSED, signed()) == ACCEPTED
        webhook.ssm.fault = OUTAGES[0]
        webhook.clock.advance(3_600_000)
        assert webhook.post(ANALYSED, signed()) == ACCEPTED
        assert webhook.post(ANALYSED, signed(secret=ANOTHER)) == NOT_AUTHORIZED
        assert webhook.told == [OUTAGES[0]]

    @pytest.mark.parametrize("odd", [{}, {"requestContext": {}}, {"Records": []}, {"recording_id": 123}])
    def test_what_is_no_request_at_all_is_503(self, webhook: Webhook, odd: dict[str, Any]) -> None:
        assert webhook.handle(odd) == UNAVAILABLE

    def test_the_log_of_the_unexpected_has_the_place_and_not_what_was_sent(
        self, webhook: Webhook, log: io.StringIO
    ) -> None:
        webhook.sqs.fault = RuntimeError("it was secret-of-the-caller")
        assert webhook.post(ANALYSED, signed()) == UNAVAILABLE
        logged = log.getvalue()
        assert "event_queue.py" in logged
        assert "RuntimeError" in logged
        assert "secret-of-the-caller" not in logged


class TestLog:
    def test_a_stranger_s_words_are_not_repeated(
        self, webhook: Webhook, log: io.StringIO, capsys: pytest.CaptureFixture[str]
    ) -> None:
        noise = "drivel" * 20_000
        headers = dict.fromkeys((*signed(), "authorization", "user-agent", noise), noise)
        for content_type in ("application/json", noise):
            webhook.post(noise, headers | {"content-type": content_type})
        webhook.handle(event(noise, headers.items(), noise))
        assert log.getvalue().count('"refused"') == 3
        logged = log.getvalue() + capsys.readouterr().out
        assert "drivel" not in logged
        assert len(logged) < 3_000

    def test_no_secret_and_no_signature_is_logged(
        self, webhook: Webhook, log: io.StringIO, capsys: pytest.CaptureFixture[str]
    ) -> None:
        headers = signed()
        webhook.post(ANALYSED, headers)
        webhook.post(ANALYSED, bearing())
        webhook.post(ANALYSED, bearing(ANOTHER))
        logged = log.getvalue() + capsys.readouterr().out
        assert '"recording_id":123' in logged
        assert SECRET.removeprefix("whsec_") not in logged
        assert ANOTHER.removeprefix("whsec_") not in logged
        assert headers["webhook-signature"] not in logged

    @pytest.mark.parametrize(
        ("stored", "wrong", "reason"),
        [
            (None, {}, "nothing_stored"),
            (" ", {}, "nothing_stored"),
            ("whsec_", {}, "secret_too_short"),
            (SHORT, {"webhook_id": "", "authorization": f"Bearer {SHORT}"}, "secret_too_short"),
            (SECRET, {"webhook_id": ""}, "no_credentials"),
            (SECRET, {"webhook_signature": "v1,AAAA"}, "no_credentials"),
            (SECRET, {"age_s": 900}, "expired"),
            (SECRET, {"age_s": -900}, "expired"),
            (SECRET, {"secret": ANOTHER}, "no_match"),
            (SECRET, {"webhook_id": "", "authorization": f"Bearer {ANOTHER}"}, "no_match"),
        ],
    )
    def test_operators_are_told_why_a_call_was_refused(
        self, stored: str | None, wrong: dict[str, Any], reason: str, log: io.StringIO
    ) -> None:
        assert Webhook(stored).post(ANALYSED, signed(**wrong)) == NOT_AUTHORIZED
        assert f'"reason":"{reason}"' in log.getvalue()

    def test_every_answer_is_counted_by_its_status(self, webhook: Webhook, capsys: pytest.CaptureFixture[str]) -> None:
        calls: list[tuple[str, dict[str, str], str]] = [
            ("POST", signed(), ANALYSED),
            ("POST", signed("{}"), "{}"),
            ("POST", {"content-type": "application/json"}, ANALYSED),
            ("GET", {}, ""),
            ("POST", bearing(), "x" * 300_000),
            ("POST", {}, ""),
        ]
        statuses = [webhook.handle(event(method, headers.items(), body))[0] for method, headers, body in calls]
        assert statuses == [202, 400, 401, 405, 413, 415]
        assert metrics(capsys.readouterr().out) == [{"status": str(s), "WebhooksReceived": [1.0]} for s in statuses]


def test_a_cold_start_imports_neither_requests_nor_slack() -> None:
    """Nor anything else that only the other functions need."""
    environment = {
        "PARAMETER_PREFIX": "/x",
        "EVENT_QUEUE_URL": "https://sqs.example/1/x",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "POWERTOOLS_METRICS_NAMESPACE": "x",
        "PYTHONPATH": str(SOURCES),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    script = (
        "import sys; from handlers import receive_webhook; receive_webhook.worker(); "
        "print([name for name in ('requests', 'slack_sdk', 'adapters.identitycall.client', "
        "'adapters.dynamodb.outcome_table', 'aws_lambda_powertools.utilities.batch') if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
