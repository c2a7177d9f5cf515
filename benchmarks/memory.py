"""The most memory that the evaluation function holds: ten bodies of the largest size in one batch, of each shape.

Each shape is measured in a process of its own, because only a fresh one has a peak of its own.
"""

from __future__ import annotations

import resource
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from rich.console import Console

from benchmarks import view
from benchmarks.canned_aws import CannedAws
from benchmarks.child import Progress, measured
from benchmarks.view import Verdict
from benchmarks.world import ALERTING, FOLDER, Context, environment, sqs_event

LARGEST_BYTES = 2_000_000
"""The most that the API's client takes."""
FUNCTION_MB = 512
TARGET_MB = 400
_PAUSE = b'{"start_ms":35999000,"end_ms":35999900,"duration_ms":900,"compliant":true,"after_dialogue_id":123456},'
_LONG_PAUSE = _PAUSE.replace(b"900,", b"9000,").replace(b"true", b"false")
_GOAL = b'{"goal_id":1,"goal_name":"Greeting","met":true,"score":0.95,"explanation":"%s"},' % (b"word " * 100)
_LONG_CALL = b'{"data":{"recording_id":%d,"goals":[%s],"pauses":[%s]}}'


def _filled(head: bytes, part: bytes, tail: bytes) -> bytes:
    """A body as large as is taken."""
    return head + part * ((LARGEST_BYTES - len(head) - len(tail)) // len(part) - 1) + part.rstrip(b",") + tail


def _unread(part: bytes) -> Callable[[int], bytes]:
    """The body is in fields that no rule reads."""
    return lambda recording: _filled(
        b'{"data":{"recording_id":%d,"goals":[],"pauses":[],"more":[' % recording, part, b"]}}"
    )


SHAPES: dict[str, Callable[[int], bytes]] = {
    "a call of 10 hours: 12,000 pauses, 100 goals": lambda recording: (
        _LONG_CALL % (recording, (_GOAL * 100).rstrip(b","), (_PAUSE * 12_000).rstrip(b","))
    ),
    "long pauses, each a violation": lambda recording: _filled(
        b'{"data":{"recording_id":%d,"goals":[],"pauses":[' % recording, _LONG_PAUSE, b"]}}"
    ),
    "one text": _unread(b'"%s",' % (b"x" * 100_000)),
    "empty lists": _unread(b"[],"),
    "empty objects": _unread(b"{},"),
    "objects of one number": _unread(b'{"a":1000.5},'),
    "goals without fields": lambda recording: _filled(
        b'{"data":{"recording_id":%d,"pauses":[],"goals":[' % recording, b"{},", b"]}}"
    ),
}


def show(console: Console) -> list[Verdict]:
    found: dict[str, tuple[float, int]] = {}
    with view.progress(console, "Memory") as progress, CannedAws(FOLDER / "canned-aws.log") as aws, _vendor() as url:
        for number, shape in enumerate(SHAPES):
            found[shape] = measured("memory", environment(f"{url}/{number}", aws.root_url), lambda _: None)
            progress((number + 1) / len(SHAPES))
    table = view.table("", "MB", "not done in time")
    for shape, (peak, failed) in found.items():
        table.add_row(shape, f"{peak:.0f}", str(failed))
    view.show(
        console,
        "Peak memory of the evaluation function",
        table,
        f"One batch of {len(ALERTING)} in a fresh process, each body of {LARGEST_BYTES / 1_000_000:.0f} MB "
        "but for the first. Peak resident size on this machine.",
    )
    most = max(peak for peak, _ in found.values())
    target = f"≤ {TARGET_MB} of {FUNCTION_MB} MB"
    return [Verdict("Peak memory", f"{most:.0f} MB", target, most <= TARGET_MB)]


def inside(_: Progress) -> tuple[float, int]:
    """MB at the peak of one batch, and how many of its messages failed."""
    from adapters.identitycall.client import MAX_BODY_BYTES
    from handlers.evaluate_recordings import lambda_handler

    assert LARGEST_BYTES == MAX_BODY_BYTES, "the bodies are not the largest"
    answer = lambda_handler(sqs_event(ALERTING), Context())  # type: ignore[arg-type]
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1_000_000, len(answer["batchItemFailures"])


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """The client hung up: its time was over."""


class _Bodies(BaseHTTPRequestHandler):
    """The first part of the path is the number of the shape."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        _, number, _, recording, *_ = self.path.split("/")
        body = list(SHAPES.values())[int(number)](int(recording))
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def _vendor() -> Iterator[str]:
    server = _Server(("127.0.0.1", 0), _Bodies)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
