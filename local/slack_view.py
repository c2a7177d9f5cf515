"""A Slack message as its reader sees it, in a terminal; and the link that opens it in Slack's own preview."""

from __future__ import annotations

import html
import json
import re
import urllib.parse
from collections.abc import Iterator
from typing import Any

from rich.console import Group, RenderableType
from rich.emoji import Emoji
from rich.padding import Padding
from rich.panel import Panel
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from local.slack_stub import SlackMessage

_MARKS = re.compile(r"\*(?P<bold>[^*\n]+)\*|_(?P<italic>[^_\n]+)_|`(?P<code>[^`\n]+)`")
_STYLES = {"bold": "bold", "italic": "italic", "code": "red"}
_DATE = re.compile(r"<!date\^\d+\^[^|>]*\|([^>]*)>")
_QUOTE = re.compile(r"^> ?", re.MULTILINE)
_LINK = re.compile(r"<([^|>]+)\|([^>]+)>")


def as_seen(message: SlackMessage, channel: str = "#call-quality") -> Panel:
    parts: list[RenderableType] = [Text.assemble(("IdentityCall Alerts ", "bold"), ("APP", "reverse dim"))]
    for block in message.content.get("blocks", []):
        parts.extend(_block(block))
    return Panel(Group(*parts), title=f"Slack {channel}", title_align="left", width=88, padding=(1, 2))


def builder_link(message: SlackMessage) -> str:
    blocks = json.dumps({"blocks": message.content.get("blocks", [])}, ensure_ascii=False, separators=(",", ":"))
    return "https://app.slack.com/block-kit-builder/#" + urllib.parse.quote(blocks, safe="")


def _block(block: dict[str, Any]) -> Iterator[RenderableType]:
    match block["type"]:
        case "header":
            yield Padding(_text(block["text"], "bold"), (1, 0, 0, 0))
        case "divider":
            yield Rule(style="dim")
        case "section":
            if "text" in block:
                yield Padding(_text(block["text"]), (1, 0, 0, 0))
            if "fields" in block:
                table = Table.grid(padding=(0, 4, 0, 0))
                fields = [_text(each) for each in block["fields"]]
                for left in range(0, len(fields), 2):
                    table.add_row(*fields[left : left + 2])
                yield Padding(table, (1, 0, 0, 0))
        case "context":
            texts = [_text(each, "dim") for each in block["elements"] if "text" in each]
            yield Padding(Text("  ").join(texts), (1, 0, 0, 0))
        case "actions":
            buttons = [Text(f"[ {each['text']['text']} ]", "bold") for each in block["elements"]]
            yield Padding(Text("  ").join(buttons), (1, 0, 0, 0))


def _text(content: dict[str, Any], style: str = "") -> Text:
    """A text object with its marks carried out, as far as our messages use them."""
    source = content["text"]
    if content["type"] == "plain_text":
        return Text(Emoji.replace(source), style)
    source = _LINK.sub(r"\2", _DATE.sub(r"\1", source))
    source = _QUOTE.sub("▎ ", source)
    text, end = Text(style=style), 0
    for mark in _MARKS.finditer(source):
        text.append(_plain(source[end : mark.start()]))
        kind = str(mark.lastgroup)
        text.append(_plain(mark[kind]), _STYLES[kind])
        end = mark.end()
    text.append(_plain(source[end:]))
    return text


def _plain(source: str) -> str:
    return html.unescape(Emoji.replace(source))
