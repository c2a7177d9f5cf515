"""What every stub server of ours has in common: keep-alive HTTP/1.1, a ledger of requests, faults, a control door.

A stub turns a `Request` into an `Answer`; this room carries it out, the answers that never arrive included.
Everything under `/_control/` steers the stub and is neither counted in the ledger nor hurt by a fault.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import socket
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from socketserver import ThreadingMixIn
from typing import Any, ClassVar, Literal
from urllib.parse import parse_qsl, urlsplit

LONGEST_SILENCE_SECONDS = 120.0

FaultKind = Literal[
    "none",  # only the delay
    "status",  # `status` with `body` and `retry_after`
    "hang",  # the request is read and never answered
    "reset",  # the connection is reset before the request is acted on
    "reset_midway",  # acted on; reset after half of the body
    "lost_answer",  # acted on; never answered
    "redirect",  # 302 to `location`
    "not_json",
    "truncated",  # valid length, but the JSON ends in its middle
    "wrong_type",
    "wrong_recording",  # another recording's results
    "too_big",  # over what the client takes
    "goals_pending",  # completed, but its goals are not judged yet
]


@dataclass(frozen=True)
class Fault:
    """One way to misbehave; for ever, for the next `times` requests, or for `for_seconds` from now."""

    kind: FaultKind = "none"
    status: int = 500
    body: str | None = None
    retry_after: str | None = None
    location: str = "/elsewhere"
    delay_seconds: float = 0.0
    path_ends_with: str = ""
    times: int | None = None
    for_seconds: float | None = None


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]  # names in lower case
    body: bytes


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    target: str = ""  # whom it was about: what a fault can be set for
    fate: Literal["sent", "never sent", "reset", "reset midway"] = "sent"

    @staticmethod
    def json(status: int, content: Any, **others: Any) -> Answer:
        body = json.dumps(content, ensure_ascii=False).encode()
        return Answer(status, body, {"Content-Type": "application/json; charset=utf-8"}, **others)


@dataclass
class _SetFault:
    fault: Fault
    left: int | None
    until: float | None


class StubServer(ThreadingMixIn, HTTPServer):
    """Listens on the socket it is given. A subclass answers requests and adds controls of its own."""

    daemon_threads = True
    everyone: ClassVar[str] = "*"

    def __init__(self, listening: socket.socket) -> None:
        super().__init__(listening.getsockname(), _Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = listening
        self.lock = threading.Lock()
        self.ledger: list[dict[str, Any]] = []
        self._faults: dict[str, _SetFault] = {}
        self.controls: dict[str, Callable[[Any], Any]] = {
            "ledger": self._control_ledger,
            "fault": self._control_fault,
            "reset": self._control_reset,
        }

    # a subclass's part

    def target_of(self, request: Request) -> str:
        """Whom a request is about, so that a fault can be set for them alone."""
        raise NotImplementedError

    def answer(self, request: Request, fault: Fault) -> Answer:
        """Act on the request. The faults of transport are not its business, those of content are."""
        raise NotImplementedError

    # the common part

    def handle_one(self, request: Request) -> Answer:
        arrived = time.time()
        target = self.target_of(request)
        fault = self._fault_for(target, request.path)
        if fault.delay_seconds:
            time.sleep(fault.delay_seconds)
        match fault.kind:
            case "hang":
                answer = Answer(0, fate="never sent")
            case "reset":
                answer = Answer(0, fate="reset")
            case "redirect":
                answer = Answer(302, headers={"Location": fault.location})
            case "status":
                text = fault.body if fault.body is not None else json.dumps({"error": f"Error {fault.status}"})
                answer = Answer(fault.status, text.encode(), {"Content-Type": "application/json"})
            case _:
                answer = self.answer(request, fault)
        if fault.kind == "lost_answer":
            answer = replace(answer, fate="never sent")
        if fault.kind == "reset_midway":
            answer = replace(answer, fate="reset midway")
        if fault.retry_after is not None:
            answer = replace(answer, headers={**answer.headers, "Retry-After": fault.retry_after})
        entry = {
            "at": arrived,
            "method": request.method,
            "path": request.path,
            "target": target,
            "status": answer.status,
            "fault": fault.kind,
        }
        with self.lock:
            self.ledger.append(entry)
        return answer

    def _fault_for(self, target: str, path: str) -> Fault:
        with self.lock:
            for name in (target, self.everyone):
                found = self._faults.get(name)
                if found is None or not path.endswith(found.fault.path_ends_with):
                    continue
                if found.until is not None and time.time() >= found.until:
                    del self._faults[name]
                    continue
                if found.left is not None:
                    found.left -= 1
                    if found.left <= 0:
                        del self._faults[name]
                return found.fault
        return Fault()

    def _control_ledger(self, _: Any) -> Any:
        with self.lock:
            return list(self.ledger)

    def _control_fault(self, content: Any) -> None:
        target = str(content["target"])
        with self.lock:
            if content["fault"] is None:
                self._faults.pop(target, None)
                return
            fault = Fault(**content["fault"])
            until = time.time() + fault.for_seconds if fault.for_seconds is not None else None
            self._faults[target] = _SetFault(fault, fault.times, until)

    def _control_reset(self, _: Any) -> None:
        with self.lock:
            self._faults.clear()
            self.ledger.clear()


class _Handler(BaseHTTPRequestHandler):
    server: StubServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 64 * 1024  # headers and body leave together
    timeout = LONGEST_SILENCE_SECONDS

    def _serve(self) -> None:
        parts = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if parts.path.startswith("/_control/"):
            control = self.server.controls[parts.path.removeprefix("/_control/")]
            self._send(Answer.json(200, control(json.loads(body or b"null"))))
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(self.command, parts.path, dict(parse_qsl(parts.query)), headers, body)
        self._send(self.server.handle_one(request))

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_HEAD = _serve  # noqa: N815 (the base class's names)

    def _send(self, answer: Answer) -> None:
        if answer.fate == "never sent":
            select.select([self.connection], [], [], LONGEST_SILENCE_SECONDS)  # until the caller gives up
            self.close_connection = True
            return
        if answer.fate == "reset":
            self._reset()
            return
        self.send_response_only(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if answer.fate == "reset midway":
            self.wfile.write(answer.body[: len(answer.body) // 2])
            self.wfile.flush()
            self._reset()
            return
        self.wfile.write(answer.body)

    def _reset(self) -> None:
        """Close so that the other side sees a reset connection, not an orderly end."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        os.close(self.connection.detach())  # close() alone would wait for the files opened on the socket

    def handle(self) -> None:
        try:
            super().handle()
        except (ConnectionError, TimeoutError, ValueError):
            self.close_connection = True  # the caller went away, or we hung up on it: both are a stub's daily life

    def finish(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            super().finish()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the base class's name)
        """The ledger says it better."""


def serve(make: Callable[[socket.socket], StubServer], file_descriptor: int) -> None:
    """Run a stub on a socket that its starter has already made listen."""
    make(socket.socket(fileno=file_descriptor)).serve_forever(poll_interval=0.5)
