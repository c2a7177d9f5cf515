"""What became of a recording: read back from the table, the topic's subscriber, Slack, the mailbox and the queues."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from local.cases import Case
from local.deployment import Item, PublishedAlert
from local.emulator import QueuedMessage
from local.mailbox import Mail
from local.slack_stub import SlackMessage
from local.stack import LocalStack

HISTORY_ATTRIBUTE = "delivery_history"

Id = TypeVar("Id", bound=int | str)


@dataclass(frozen=True)
class Observation:
    outcome: Item | None
    alerts: tuple[PublishedAlert, ...] = ()
    slack_messages: tuple[SlackMessage, ...] = ()
    mails: tuple[Mail, ...] = ()
    deferred: str = ""  # the reason
    dead_lettered: str = ""  # the reason and the sentence

    @property
    def verdict(self) -> str:
        if self.outcome:
            return str(self.outcome["status"])
        if self.dead_lettered:
            return "dead letter"
        return "deferred" if self.deferred else "nothing yet"

    @property
    def violations(self) -> int:
        return int(self.outcome.get("violations_total", 0)) if self.outcome else 0

    @property
    def complete(self) -> bool:
        """Whether nothing more is to be expected soon: an outcome stands, and its alert has arrived."""
        if not self.outcome:
            return bool(self.dead_lettered)
        if "alert" not in self.outcome:
            return True
        published = self.outcome["alert"]["state"] == "published"
        return bool(published and self.alerts and self.slack_messages and self.mails)

    def differences(self, case: Case) -> list[str]:
        """How this is not what the case expects; empty: it is."""
        if self.verdict != case.verdict:
            return [f"the verdict is {self.verdict}, not {case.verdict}"]
        found = []
        if self.violations != case.violations:
            found.append(f"{self.violations} violations, not {case.violations}")
        wanted = 1 if case.alerts else 0
        if len(self.alerts) != wanted:
            found.append(f"{len(self.alerts)} alerts on the topic, not {wanted}")
        if any(alert.content["violations_total"] != case.violations for alert in self.alerts):
            found.append("the alert on the topic counts other violations")
        if len(self.slack_messages) != wanted:
            found.append(f"{len(self.slack_messages)} messages in Slack, not {wanted}")
        if len(self.mails) != wanted:
            found.append(f"{len(self.mails)} e-mails, not {wanted}")
        if wanted and self.outcome and self.outcome.get("alert", {}).get("state") != "published":
            found.append("the alert is not marked as published")
        return found


def observe(stack: LocalStack, names: Mapping[Id, tuple[str, ...]]) -> dict[Id, Observation]:
    """Read everything back. `names`: for each recording asked about, all the ids its events may carry."""
    alerts, messages, mails = stack.alerts(), stack.slack.messages(), stack.mails()
    waiting, dead = stack.waiting(), stack.dead_letters()
    outcomes = {item["pk"]: item for item in stack.outcomes()}
    seen = {}
    for recording, ids in names.items():
        outcome = outcomes.get(f"RECORDING#{recording}") or (
            stack.outcome(recording) if isinstance(recording, str) else None
        )
        canonical = int(outcome["recording_id"]) if outcome and "recording_id" in outcome else recording
        seen[recording] = Observation(
            outcome,
            tuple(alert for alert in alerts if alert.recording_id == canonical),
            tuple(message for message in messages if mentions(message, canonical)),
            tuple(mail for mail in mails if mail.recording_id == canonical),
            (deferral(waiting, *ids) or {}).get("reason", ""),
            _dead_lettered(dead, *ids),
        )
    return seen


def mentions(message: SlackMessage, recording: int | str) -> bool:
    """Whether a Slack message is about a recording: every one ends by naming its id."""
    return bool(re.search(rf"(?i)\brecording {recording}\b", message.everything))


def messages_about(stack: LocalStack, recording: int | str) -> list[SlackMessage]:
    return [message for message in stack.slack.messages() if mentions(message, recording)]


def requests_about(stack: LocalStack, recording: int) -> int:
    """How often the vendor was asked about a recording."""
    return sum(entry.target == str(recording) for entry in stack.vendor.ledger())


def about(messages: Iterable[QueuedMessage], *ids: int | str) -> list[QueuedMessage]:
    """The messages that carry one of these ids."""
    named = re.compile(r"\b(" + "|".join(re.escape(str(each)) for each in ids) + r")\b", re.IGNORECASE)
    return [message for message in messages if named.search(message.body)]


def deferral(messages: Iterable[QueuedMessage], *ids: int | str) -> dict[str, Any] | None:
    """What a deferred copy about one of these ids says of its past; None where there is none."""
    for message in about(messages, *ids):
        if HISTORY_ATTRIBUTE in message.attributes:
            return dict(json.loads(message.attributes[HISTORY_ATTRIBUTE]))
    return None


def _dead_lettered(dead: Iterable[QueuedMessage], *ids: str) -> str:
    for message in about(dead, *ids):
        reason = message.attributes.get("dead_letter_reason", "no reason given")
        return f"{reason}: {message.attributes.get('dead_letter_message', '')}"
    return ""
