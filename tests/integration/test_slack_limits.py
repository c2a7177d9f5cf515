"""The limits that the Slack stub and the tests of our messages hold: Slack's own, each at its boundary."""

from typing import Any

import pytest

from local.slack_limits import refusal

Block = dict[str, Any]


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
def test_a_message_within_the_limits_is_taken(blocks: list[Block]) -> None:
    assert refusal({"text": "hello", "blocks": blocks}) is None


@pytest.mark.parametrize(
    ("message", "word"),
    [
        *(
            ({"text": "x", "blocks": blocks}, "invalid_blocks")
            for blocks in (
                [header("x" * 151)],
                [header("")],
                [section("x" * 3001)],
                [fields(*["x"] * 11)],
                [fields("x" * 2001)],
                [{"type": "section"}],
                [{"type": "divider"}] * 51,
                [{"type": "unheard_of"}],
                ["not a block"],
                [button("x" * 76)],
                [button("x", "v" * 2001)],
            )
        ),
        ({"text": "x", "blocks": [section("x" * 2700)] * 5}, "msg_blocks_too_long"),
        ({"text": "x" * 40_001}, "msg_too_long"),
        ({}, "no_text"),
        ({"text": 5}, "invalid_payload"),
        (["text"], "invalid_payload"),
    ],
)
def test_a_message_beyond_the_limits_is_refused_with_slack_s_word(message: Any, word: str) -> None:
    assert refusal(message) == word
