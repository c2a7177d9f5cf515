"""What Slack refuses in a message, as a check of our own: independent of the library that builds the messages.

Limits: Slack's Block Kit reference; the total is what the platform refuses in practice (`msg_blocks_too_long`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

MAX_BLOCKS = 50
MAX_HEADER = 150
MAX_SECTION_TEXT = 3000
MAX_FIELDS = 10
MAX_FIELD_TEXT = 2000
MAX_CONTEXT_ELEMENTS = 10
MAX_ACTION_ELEMENTS = 25
MAX_BUTTON_TEXT = 75
MAX_BUTTON_VALUE = 2000
MAX_BLOCK_ID = 255
MAX_TEXT = 40_000
MAX_TOTAL_TEXT = 13_000


def refusal(message: Any) -> str | None:
    """Slack's own word for the fault of a message; None if Slack takes it."""
    if not isinstance(message, dict):
        return "invalid_payload"
    text, blocks = message.get("text", ""), message.get("blocks", [])
    if not isinstance(text, str) or not isinstance(blocks, list):
        return "invalid_payload"
    if not text and not blocks:
        return "no_text"
    if len(text) > MAX_TEXT:
        return "msg_too_long"
    if len(blocks) > MAX_BLOCKS or any(_block_fault(block) for block in blocks):
        return "invalid_blocks"
    if sum(len(part) for part in _texts(blocks)) > MAX_TOTAL_TEXT:
        return "msg_blocks_too_long"
    return None


def _block_fault(block: Any) -> str | None:
    if not isinstance(block, dict):
        return "not an object"
    if len(str(block.get("block_id", ""))) > MAX_BLOCK_ID:
        return "block_id too long"
    match block.get("type"):
        case "header":
            return _text_fault(block.get("text"), MAX_HEADER, plain_only=True)
        case "section":
            return _section_fault(block)
        case "context":
            return _elements_fault(block, MAX_CONTEXT_ELEMENTS)
        case "actions":
            return _elements_fault(block, MAX_ACTION_ELEMENTS)
        case "divider":
            return None
    return "unknown type"


def _section_fault(block: dict[str, Any]) -> str | None:
    text, fields = block.get("text"), block.get("fields")
    if text is None and not fields:
        return "a section needs text or fields"
    if text is not None and (fault := _text_fault(text, MAX_SECTION_TEXT)):
        return fault
    if fields is None:
        return None
    if not isinstance(fields, list) or not 1 <= len(fields) <= MAX_FIELDS:
        return "1 to 10 fields"
    return next((fault for each in fields if (fault := _text_fault(each, MAX_FIELD_TEXT))), None)


def _elements_fault(block: dict[str, Any], most: int) -> str | None:
    elements = block.get("elements")
    if not isinstance(elements, list) or not 1 <= len(elements) <= most:
        return "too few or too many elements"
    return next((fault for each in elements if (fault := _element_fault(each))), None)


def _element_fault(element: Any) -> str | None:
    if not isinstance(element, dict):
        return "not an object"
    if element.get("type") != "button":
        return _text_fault(element, MAX_SECTION_TEXT)
    if len(str(element.get("value", ""))) > MAX_BUTTON_VALUE:
        return "button value too long"
    return _text_fault(element.get("text"), MAX_BUTTON_TEXT, plain_only=True)


def _text_fault(text: Any, most: int, *, plain_only: bool = False) -> str | None:
    if not isinstance(text, dict) or not isinstance(text.get("text"), str):
        return "not a text object"
    if text.get("type") not in (("plain_text",) if plain_only else ("plain_text", "mrkdwn")):
        return "wrong kind of text"
    return None if 1 <= len(text["text"]) <= most else "text empty or too long"


def _texts(part: Any) -> Iterator[str]:
    """Every text a reader sees in blocks, fields and elements."""
    if isinstance(part, list):
        for each in part:
            yield from _texts(each)
    elif isinstance(part, dict):
        if isinstance(part.get("text"), str):
            yield part["text"]
        for each in part.values():
            yield from _texts(each)
