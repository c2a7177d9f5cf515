"""An AWS that answers at once and remembers nothing, in a process of its own.

The benchmarks measure the CPU of the calling process. This one does as little as it can: an emulator would keep the
machine's other core busy, and its pauses would disturb the figures. Every write succeeds, nothing is found.
"""

from __future__ import annotations

import asyncio
import json
import socket
import sys
from typing import Any

from local.stub_process import StubProcess
from local.vendor_stub import VendorStub

PARAMETER_PREFIX = "/bench"

_PUBLISHED = (
    b'<PublishResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><PublishResult>'
    b"<MessageId>567910cd-659e-55d4-8ccb-5aaf14679dc0</MessageId></PublishResult><ResponseMetadata>"
    b"<RequestId>d74b8436-ae13-5ab4-a9ff-ce54dfea72a0</RequestId></ResponseMetadata></PublishResponse>"
)
_ANSWERS: dict[str, dict[str, Any]] = {
    "BatchGetItem": {"Responses": {"outcomes": []}, "UnprocessedKeys": {}},
    "GetItem": {},
    "GetParameters": {
        "Parameters": [
            {"Name": f"{PARAMETER_PREFIX}/api-key", "Type": "SecureString", "Value": VendorStub.api_key, "Version": 1}
        ],
        "InvalidParameters": [f"{PARAMETER_PREFIX}/rules"],
    },
    "GetParameter": {
        "Parameter": {
            "Name": f"{PARAMETER_PREFIX}/api-key",
            "Type": "SecureString",
            "Value": VendorStub.api_key,
            "Version": 1,
        }
    },
    "PutItem": {},
    "SendMessage": {"MessageId": "567910cd-659e-55d4-8ccb-5aaf14679dc0"},
    "UpdateItem": {"Attributes": {"revision": {"N": "2"}}},
}


def _answer(content_type: str, body: bytes) -> bytes:
    return (
        f"HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n"
        "x-amzn-RequestId: d74b8436-ae13-5ab4-a9ff-ce54dfea72a0\r\n\r\n"
    ).encode() + body


_READY = {
    operation.encode(): _answer("application/x-amz-json-1.0", json.dumps(content).encode())
    for operation, content in _ANSWERS.items()
} | {b"Publish": _answer("text/xml", _PUBLISHED)}
_HEAD_END = b"\r\n\r\n"


class _Connection(asyncio.Protocol):
    def __init__(self) -> None:
        self._received = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        while (head_ends := self._received.find(_HEAD_END)) >= 0:
            headers = _headers(bytes(self._received[:head_ends]))
            whole = head_ends + len(_HEAD_END) + int(headers.get(b"content-length", b"0"))
            if len(self._received) < whole:
                return
            del self._received[:whole]
            # `DynamoDB_20120810.PutItem`; SNS alone speaks the query protocol, which has no such header.
            operation = headers.get(b"x-amz-target", b".Publish").rpartition(b".")[2]
            self._transport.write(_READY[operation])


def _headers(head: bytes) -> dict[bytes, bytes]:
    lines = (line.partition(b":") for line in head.split(b"\r\n")[1:])
    return {name.lower(): value.strip() for name, _, value in lines}


class CannedAws(StubProcess):
    """Starts it on a free port; use it as a context manager."""

    module = "benchmarks.canned_aws"


async def _serve(listening: socket.socket) -> None:
    server = await asyncio.get_running_loop().create_server(_Connection, sock=listening)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(socket.socket(fileno=int(sys.argv[1]))))
