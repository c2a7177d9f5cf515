"""What has come into a local stack since the last look: a line for each recording, alert, message, mail and failure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import datetime

from rich.markup import escape

from local.deployment import Deployment, Item
from local.emulator import QueuedMessage
from local.observation import HISTORY_ATTRIBUTE
from local.slack_stub import SlackStub

_COLOURS = {"clear": "green", "violations": "yellow"}


class News:
    """Reads a stack and its Slack stub again and again. Ids, counts and headlines only: no explanation is shown."""

    def __init__(self, stack: Deployment, slack: SlackStub) -> None:
        self._stack = stack
        self._slack = slack
        self._seen: set[object] = set()
        self._mails = 0

    def lines(self) -> list[str]:
        """The news since the last call, in rich's markup. Each line begins with the time of day."""
        clock = datetime.now().astimezone().strftime("%H:%M:%S")
        return [f"[dim]{clock}[/]  {kind:<12} {text}" for kind, text in self._all_news()]

    def _all_news(self) -> Iterator[tuple[str, str]]:
        for outcome in self._stack.outcomes():
            if self._is_new(_judgement(outcome)):
                yield "recording", _outcome_line(outcome)
        for alert in self._stack.alerts():
            if self._is_new(alert.content["alert_id"]):
                total = alert.content["violations_total"]
                yield "alert", f"{alert.recording_id}  {alert.content['severity']}, {_counted(total, 'violation')}"
        for message in self._slack.messages():
            if self._is_new(("slack", message.at)):
                yield "Slack", escape(message.text)
        mails = self._stack.mails()
        for mail in mails[self._mails :]:
            yield "e-mail", escape(mail.subject)
        self._mails = len(mails)
        yield from self._deferrals()
        yield from self._dead_letters("event", self._stack.dead_letters())
        yield from self._dead_letters("alert", self._stack.slack_dead_letters())

    def _deferrals(self) -> Iterator[tuple[str, str]]:
        for message in self._stack.waiting():
            if HISTORY_ATTRIBUTE in message.attributes and self._is_new(message.message_id):
                recording = json.loads(message.body)["recording_id"]
                reason = json.loads(message.attributes[HISTORY_ATTRIBUTE])["reason"]
                yield "deferred", f"{recording}  [cyan]{reason}[/]; it is tried again by itself"

    def _dead_letters(self, kind: str, messages: Iterable[QueuedMessage]) -> Iterator[tuple[str, str]]:
        for message in messages:
            if self._is_new(message.message_id):
                reason = message.attributes.get("dead_letter_reason", "five failed receives")
                sentence = message.attributes.get("dead_letter_message", "The function's log says why.")
                yield "dead letter", f"{kind}: [red]{escape(reason)}[/] {escape(sentence)}"

    def _is_new(self, key: object) -> bool:
        if key in self._seen:
            return False
        self._seen.add(key)
        return True


def _judgement(outcome: Item) -> tuple[str, ...]:
    """One fetch and what came of it; that its alert was published later is no news."""
    return (str(outcome["pk"]), str(outcome["fetch_started_at"]), str(outcome["status"]))


def _outcome_line(outcome: Item) -> str:
    status, found = str(outcome["status"]), int(outcome.get("violations_total", 0))
    colour = _COLOURS.get(status, "magenta")
    details = f" ({found})" if found else ""
    name = str(outcome["pk"]).removeprefix("RECORDING#")
    return f"{name}  [{colour}]{status}[/]{details}, by {outcome['source']}"


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
