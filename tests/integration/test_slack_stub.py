"""The Slack stub takes what Slack takes, and refuses the rest with Slack's words."""

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from local.http_stub import Fault
from local.slack_stub import SlackStub

Block = dict[str, Any]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SlackStub]:
    with SlackStub(tmp_path_factory.mktemp("slack") / "slack.log") as stub:
        yield stub


@pytest.fixture
def slack(running: SlackStub) -> Iterator[SlackStub]:
    yield running
    running.reset()
    running.forget_messages()


def post(slack: SlackStub, message: Any, *, timeout: float = 5) -> tuple[int, str]:
    reply = requests.post(slack.webhook_url, json=message, timeout=timeout)
    return reply.status_code, reply.text


def section(text: str) -> Block:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def header(text: str) -> Block:
    return {"type": "header", "text": {"type": "plain_text", "text": text}}


def fields(*texts: str) -> Block:
    return {"type": "section", "fields": [{"type": "mrkdwn", "text": text} for text in texts]}


def button(text: str, value: str = "") -> Block:
    element = {"type": "button", "text": {"type": "plain_text", "text": text}, "value": value}
    return {"type": "actions", "elements": [element]}


@pytest.mark.parametrize(
    "blocks",
    [
        [header("x" * 150)],
        [section("x" * 3000)],
        [fields(*["x" * 1000] * 10)],
        [{"type": "divider"}] * 50,
        [{"type": "context", "elements": [{"type": "mrkdwn", "text": "x"}] * 10}],
        [button("x" * 75, "v" * 2000)],
        [section("x" * 2600)] * 5,
    ],
    ids=["header", "section", "fields", "blocks", "context", "button", "total"],
)
def test_what_is_within_the_limits_is_taken(slack: SlackStub, blocks: list[Block]) -> None:
    assert post(slack, {"text": "hello", "blocks": blocks}) == (200, "ok")
    assert [message.content["blocks"] for message in slack.messages()] == [blocks]


@pytest.mark.parametrize(
    ("message", "word"),
    [
        ({"text": "x", "blocks": [header("x" * 151)]}, "invalid_blocks"),
        ({"text": "x", "blocks": [header("")]}, "invalid_blocks"),
        ({"text": "x", "blocks": [section("x" * 3001)]}, "invalid_blocks"),
        ({"text": "x", "blocks": [fields(*["x"] * 11)]}, "invalid_blocks"),
        ({"text": "x", "blocks": [fields("x" * 2001)]}, "invalid_blocks"),
        ({"text": "x", "blocks": [{"type": "section"}]}, "invalid_blocks"),
        ({"text": "x", "blocks": [{"type": "divider"}] * 51}, "invalid_blocks"),
        ({"text": "x", "blocks": [{"type": "unheard_of"}]}, "invalid_blocks"),
        ({"text": "x", "blocks": ["not a block"]}, "invalid_blocks"),
        ({"text": "x", "blocks": [button("x" * 76)]}, "invalid_blocks"),
        ({"text": "x", "blocks": [button("x", "v" * 2001)]}, "invalid_blocks"),
        ({"text": "x", "blocks": [section("x" * 2700)] * 5}, "msg_blocks_too_long"),
        ({"text": "x" * 40_001}, "msg_too_long"),
        ({}, "no_text"),
        ({"text": 5}, "invalid_payload"),
        (["text"], "invalid_payload"),
    ],
)
def test_what_is_beyond_them_is_refused(slack: SlackStub, message: Any, word: str) -> None:
    assert post(slack, message) == (400, word)
    assert slack.messages() == []


def test_what_is_no_json_is_refused(slack: SlackStub) -> None:
    for body, kind in ((b"{", "application/json"), (b'{"text": "x"}', "text/plain")):
        reply = requests.post(slack.webhook_url, data=body, headers={"Content-Type": kind}, timeout=5)
        assert (reply.status_code, reply.text) == (400, "invalid_payload")


def test_another_webhook_does_not_exist(slack: SlackStub) -> None:
    reply = requests.post(slack.root_url + "/services/T0/B0/other", json={"text": "x"}, timeout=5)
    assert (reply.status_code, reply.text) == (404, "no_service")


@pytest.mark.parametrize(
    ("status", "word"),
    [
        (403, "action_prohibited"),
        (404, "channel_not_found"),
        (404, "no_active_hooks"),
        (410, "channel_is_archived"),
        (503, ""),
    ],
)
def test_a_refusal_on_request(slack: SlackStub, status: int, word: str) -> None:
    slack.refuse(status, word, times=1)
    assert post(slack, {"text": "x"}) == (status, word)
    assert post(slack, {"text": "x"}) == (200, "ok")
    assert len(slack.messages()) == 1


def test_a_rate_limit_on_request(slack: SlackStub) -> None:
    slack.set_fault(Fault("status", status=429, body="rate_limited", retry_after="30"))
    reply = requests.post(slack.webhook_url, json={"text": "x"}, timeout=5)
    assert (reply.status_code, reply.headers["Retry-After"]) == (429, "30")


def test_a_lost_answer_took_the_message(slack: SlackStub) -> None:
    slack.set_fault(Fault("lost_answer"))
    with pytest.raises(requests.ReadTimeout):
        post(slack, {"text": "x"}, timeout=0.3)
    assert len(slack.messages()) == 1


def test_a_reset_connection_did_not(slack: SlackStub) -> None:
    slack.set_fault(Fault("reset"))
    with pytest.raises(requests.ConnectionError):
        post(slack, {"text": "x"})
    assert slack.messages() == []
    assert [entry.fault for entry in slack.ledger()] == ["reset"]
