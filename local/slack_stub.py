"""A Slack incoming webhook on this machine. It accepts and refuses the same messages as Slack, in Slack's words.

Run as a process (`python -m local.slack_stub FD`); tests and `make run` steer it through `SlackStub`.
"""

from __future__ import annotations

import json
import re
import socket
import sys
import time
from dataclasses import dataclass
from typing import Any

from local.http_stub import Answer, Fault, Request, StubServer, serve
from local.slack_limits import refusal
from local.stub_process import StubProcess

WEBHOOK_PATH = "/services/T00LOCAL/B00LOCAL/LocalStubWebhook"
_ABOUT = re.compile(r"(?:·|\\u00b7) Recording (\d+) (?:·|\\u00b7)")


class SlackServer(StubServer):
    def __init__(self, listening: socket.socket) -> None:
        super().__init__(listening)
        self._messages: list[dict[str, Any]] = []
        self.controls |= {"messages": self._control_messages, "forget_messages": self._control_forget}

    def _control_messages(self, _: Any) -> Any:
        with self.lock:
            return list(self._messages)

    def _control_forget(self, _: Any) -> None:
        with self.lock:
            self._messages.clear()

    def target_of(self, request: Request) -> str:
        """The recording that a message is about, as its closing line says."""
        about = _ABOUT.search(request.body.decode(errors="replace")) if request.path == WEBHOOK_PATH else None
        return about[1] if about else ""

    def answer(self, request: Request, fault: Fault) -> Answer:  # noqa: ARG002 (no faults of content here)
        if request.method != "POST" or request.path != WEBHOOK_PATH:
            return _word(404, "no_service")
        if not request.headers.get("content-type", "").startswith("application/json"):
            return _word(400, "invalid_payload")
        try:
            message = json.loads(request.body)
        except ValueError:
            return _word(400, "invalid_payload")
        if refused := refusal(message):
            return _word(400, refused)
        with self.lock:
            self._messages.append({"at": time.time(), "content": message})
        return _word(200, "ok")


def _word(status: int, word: str) -> Answer:
    return Answer(status, word.encode(), {"Content-Type": "text/plain; charset=utf-8"})


@dataclass(frozen=True)
class SlackMessage:
    """A message that reached the channel."""

    at: float
    content: dict[str, Any]

    @property
    def text(self) -> str:
        return str(self.content.get("text", ""))

    @property
    def everything(self) -> str:
        """All of it as one text, to look for a word in."""
        return json.dumps(self.content, ensure_ascii=False)


class SlackStub(StubProcess):
    """Starts the stub on a free port and steers it; use it as a context manager."""

    module = "local.slack_stub"

    @property
    def webhook_url(self) -> str:
        return self.root_url + WEBHOOK_PATH

    def messages(self) -> list[SlackMessage]:
        return [SlackMessage(**message) for message in self.control("messages")]

    def forget_messages(self) -> None:
        self.control("forget_messages")

    def refuse(self, status: int, word: str, *, times: int | None = None) -> None:
        """Refuse every message, or the next `times`, with a status and Slack's word for it."""
        self.set_fault(Fault("status", status=status, body=word, times=times))


if __name__ == "__main__":
    serve(SlackServer, int(sys.argv[1]))
