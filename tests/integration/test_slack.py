"""Slack's incoming webhook over real connections: what is posted, and what each answer means."""

import gc
import json
import socket
import traceback
import warnings
from collections.abc import Iterator
from typing import Any

import pytest

from adapters.retry_after import CLOCKS_DIFFER_MS
from adapters.slack import webhook as slack_adapter
from adapters.slack.webhook import SlackWebhook
from domain.errors import AlertsError, Refused, SlackUrlInvalid, Throttled, Unavailable
from local.slack_limits import refusal
from tests.fakes.clock import NOON_MS, FakeClock
from tests.fakes.make import alert, details, unmet
from tests.fakes.parameters import FixedParameters
from tests.integration.socket_server import Act, RawServer, cuts, head, is_silent, raw_server, resets, says, sends

SECRET_PATH = "/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX"
SPOKEN = "my card number is 4111"
THE_ALERT = alert(unmet(why=SPOKEN), known=details(name="Grüße 挨拶 👋"))


pytestmark = pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
"""urllib leaves the socket of a broken answer to the garbage collector, which may run at any time."""


@pytest.fixture(autouse=True)
def _sockets_collected() -> Iterator[None]:
    """The sockets are collected here, and in no other test."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


class Slack:
    """The adapter, and the server that it posts to."""

    def __init__(self, server: RawServer) -> None:
        self.server = server
        self.parameters = FixedParameters(slack_webhook_url=server.url + SECRET_PATH)
        self.adapter = SlackWebhook(self.parameters, FakeClock())

    def refuses(self, error: type[AlertsError], match: str | None = None) -> Any:
        """The error that a send raises. It shows neither the URL nor what people said."""
        with pytest.raises(error, match=match) as raised:
            self.adapter.send(THE_ALERT)
        shown = "".join(traceback.format_exception(raised.value))
        assert [word for word in (SECRET_PATH, "secret", SPOKEN, "Grüße") if word in shown] == []
        return raised.value


@pytest.fixture
def slack(server: RawServer) -> Slack:
    return Slack(server)


def test_the_message_is_posted_once_as_json(slack: Slack) -> None:
    slack.server.answers(says(b"ok"))
    assert slack.adapter.send(THE_ALERT) == "ok"
    [request] = slack.server.requests
    request_head, _, body = request.partition("\r\n\r\n")
    assert request_head.startswith(f"POST {SECRET_PATH} HTTP/1.1\r\n")
    posted = json.loads(body)
    assert refusal(posted) is None
    assert posted["text"] == "🟠 Warning: 1 goal not met in Grüße 挨拶 👋"
    assert posted["unfurl_links"] is False
    assert SPOKEN in body


PERMANENT = [
    ("400 Bad Request", b"invalid_payload", "invalid_payload"),
    ("403 Forbidden", b"action_prohibited", "action_prohibited"),
    ("404 Not Found", b"no_active_hooks", "no_active_hooks"),
    ("404 Not Found", b"channel_not_found", "channel_not_found"),
    ("410 Gone", b"channel_is_archived", "channel_is_archived"),
    ("400 Bad Request", b"", "unreadable_answer"),
    ("403 Forbidden", f"<html>proxy: you said {SPOKEN}</html>".encode(), "unreadable_answer"),
    ("403 Forbidden", b"Invalid_Token", "unreadable_answer"),
]


class TestAnswers:
    @pytest.mark.parametrize(("status", "body", "word"), PERMANENT)
    def test_a_permanent_refusal_has_slack_s_own_word(self, slack: Slack, status: str, body: bytes, word: str) -> None:
        slack.server.answers(says(body, status))
        error = slack.refuses(Refused)
        assert error.word == word
        assert str(error) == f"Alert {THE_ALERT.alert_id} of recording 123: Slack answered {status[:3]} {word}."
        assert len(slack.server.requests) == 1

    @pytest.mark.parametrize(
        ("header", "at_ms"), [("Retry-After: 30", NOON_MS + 30_000 + CLOCKS_DIFFER_MS), ("X: 1", None)]
    )
    def test_a_429_waits_as_long_as_slack_says(self, slack: Slack, header: str, at_ms: int | None) -> None:
        slack.server.answers(says(b"rate_limited", "429 Too Many Requests", header))
        assert slack.refuses(Throttled, "recording 123: Slack answered 429").retry_at_ms == at_ms

    @pytest.mark.parametrize("status", ["500 Internal Server Error", "502 Bad Gateway", "503 Service Unavailable"])
    def test_a_5xx_was_certainly_not_posted(self, slack: Slack, status: str) -> None:
        slack.server.answers(says(b"oops", status))
        assert slack.refuses(Unavailable, "recording 123: Slack answered 50").perhaps_done is False
        assert len(slack.server.requests) == 1

    @pytest.mark.parametrize("body", [b"", b"OK", b"okay", b"<html>captive portal</html>"])
    def test_a_200_that_does_not_say_ok_is_unavailable(self, slack: Slack, body: bytes) -> None:
        slack.server.answers(says(body))
        slack.refuses(Unavailable, "Slack answered 200")

    @pytest.mark.parametrize("status", ["307 Temporary Redirect", "308 Permanent Redirect"])
    def test_a_redirect_does_not_carry_the_message_elsewhere(self, slack: Slack, status: str) -> None:
        with raw_server() as elsewhere:
            elsewhere.answers(says(b"ok"))
            slack.server.answers(says(b"", status, f"Location: {elsewhere.url}/"))
            slack.refuses(Unavailable)
            assert not any(SPOKEN in request for request in elsewhere.requests)


LOST: dict[str, Act] = {
    "closed without a word": cuts(),
    "reset without a word": resets(),
    "cut in the head": cuts(b"HTTP/1.1 200 OK\r\nConte"),
    "cut in the body": cuts(head(200), b"ok"),
    "not HTTP": cuts(b"SSH-2.0\r\n"),
    "not text": says(b"\xff\xfe\xfd"),
    "text of an unknown kind": says(b"ok", "200 OK", "Content-Type: text/plain; charset=klingon"),
    "a refusal that is not text": says(b"\xff\xfe\xfd", "400 Bad Request"),
}


class TestLostAnswers:
    @pytest.mark.parametrize("act", LOST.values(), ids=LOST)
    def test_a_post_whose_answer_was_lost_may_have_arrived(self, slack: Slack, act: Act) -> None:
        slack.server.answers(act)
        unknown = r"recording 123: (no answer from Slack|Slack answered 200 unreadable_answer)"
        assert slack.refuses(Unavailable, unknown).perhaps_done is True
        assert len(slack.server.requests) == 1  # and it is not posted again

    @pytest.mark.parametrize("act", [is_silent, sends(head(2))])
    def test_a_time_out_may_have_arrived(self, slack: Slack, act: Act, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(slack_adapter, "TIMEOUT_S", 0.1)
        slack.server.answers(act)
        assert slack.refuses(Unavailable).perhaps_done is True

    def test_a_refused_connection_certainly_sent_nothing(self, slack: Slack) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            slack.parameters.stored["slack-webhook-url"] = f"http://127.0.0.1:{listener.getsockname()[1]}{SECRET_PATH}"
        assert slack.refuses(Unavailable, "ConnectionRefusedError").perhaps_done is False


class TestUrl:
    @pytest.mark.parametrize(
        ("stored", "off"), [(None, True), ("", True), (" \n", True), ("hooks", False), ("https://hooks/x", False)]
    )
    def test_slack_is_off_where_nothing_is_stored(self, slack: Slack, stored: str | None, off: bool) -> None:
        slack.parameters.stored = {} if stored is None else {"slack-webhook-url": stored}
        assert slack.adapter.off is off

    def test_a_url_deleted_just_before_the_post_is_waited_for(self, slack: Slack) -> None:
        slack.parameters.stored = {}
        slack.refuses(SlackUrlInvalid)

    @pytest.mark.parametrize(
        "stored", ["hooks.slack.com/secret", "http://hooks.slack.com/secret", "https://hooks.slack.com:secret/"]
    )
    def test_a_value_that_is_not_an_https_url_waits_for_the_operator(self, slack: Slack, stored: str) -> None:
        slack.parameters.stored = {"slack-webhook-url": stored}
        slack.refuses(SlackUrlInvalid)

    def test_space_around_it_does_not_matter(self, slack: Slack) -> None:
        slack.parameters.stored["slack-webhook-url"] = f" {slack.server.url}{SECRET_PATH}\n"
        slack.server.answers(says(b"ok"))
        assert slack.adapter.send(THE_ALERT) == "ok"
