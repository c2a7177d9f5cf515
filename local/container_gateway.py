"""How a container reaches the local stack: an HTTP gateway on Docker's bridge, in front of the emulator and the stubs.

On Linux a container reaches this machine through the bridge only; Docker Desktop leads it to loopback. So the gateway
listens on both, and never on the network. It translates two things on their way:

    credentials   `sam local invoke` hands over the developer's own; the emulator knows its root account's alone
    addresses     127.0.0.1 is the container itself; the machine is called host.docker.internal there
"""

from __future__ import annotations

import contextlib
import fcntl
import http.client
import re
import socket
import struct
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from socketserver import ThreadingMixIn

from local.emulator import CREDENTIALS
from local.places import LOOPBACK, LocalStackError
from local.ports import Ports

HOST_IN_CONTAINERS = "host.docker.internal"
_BRIDGE = "docker0"
_SIOCGIFADDR = 0x8915  # Linux: "get interface address"
_TIMEOUT_SECONDS = 120.0  # longer than a function runs
_CREDENTIAL = re.compile(r"(?<=Credential=)[^/,\s]+")
_DROPPED_FROM_REQUESTS = {"host", "connection", "x-amz-security-token"}
_DROPPED_FROM_ANSWERS = {"connection", "content-length", "transfer-encoding", "keep-alive", "x-amz-crc32"}


def bridge_address() -> str | None:
    """The address of Docker's default bridge; None where there is none, as under Docker Desktop."""
    if sys.platform != "linux":
        return None
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        try:
            answer = fcntl.ioctl(any_socket, _SIOCGIFADDR, struct.pack("256s", _BRIDGE.encode()))
        except OSError:
            return None
    return socket.inet_ntoa(answer[20:24])


class ContainerGateway:
    """A context manager. It listens on loopback at once, and on the bridge from `listen_on_bridge` on."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._servers: list[_Server] = []
        self.bridge: str | None = None

    def __enter__(self) -> ContainerGateway:
        self._listen(LOOPBACK, self._ports.for_containers, self._ports.aws)
        return self

    def __exit__(self, *_: object) -> None:
        for server in self._servers:
            server.shutdown()
            server.server_close()

    def listen_on_bridge(self) -> bool:
        """Listen on Docker's bridge, if there is one by now. True if it was opened by this call.

        Raises `LocalStackError` once where another program uses one of the ports there; it is not tried again.
        """
        if self.bridge or not (bridge := bridge_address()):
            return False
        self.bridge = bridge
        ports = self._ports
        for port, upstream in (
            (ports.aws, ports.aws),
            (ports.vendor, ports.vendor),
            (ports.slack, ports.slack),
            (ports.for_containers, ports.aws),
        ):
            try:
                self._listen(bridge, port, upstream)
            except OSError:
                raise LocalStackError(
                    f"Containers cannot reach the stack: another program uses port {port} of Docker's bridge, {bridge}."
                ) from None
        return True

    def _listen(self, address: str, port: int, upstream_port: int) -> None:
        server = _Server((address, port), upstream_port)
        self._servers.append(server)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()


class _Server(ThreadingMixIn, HTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], upstream_port: int) -> None:
        super().__init__(address, _Handler)
        self.upstream_port = upstream_port


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 64 * 1024  # headers and body leave together
    timeout = _TIMEOUT_SECONDS

    def _forward(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {
            name: _CREDENTIAL.sub(CREDENTIALS["AWS_ACCESS_KEY_ID"], value)
            for name, value in self.headers.items()
            if name.lower() not in _DROPPED_FROM_REQUESTS
        }
        upstream = http.client.HTTPConnection(LOOPBACK, self.server.upstream_port, timeout=_TIMEOUT_SECONDS)
        try:
            upstream.request(self.command, self.path, body, headers)
            answer = upstream.getresponse()
            content = answer.read()
        finally:
            upstream.close()
        content = content.replace(f"http://{LOOPBACK}:".encode(), f"http://{HOST_IN_CONTAINERS}:".encode())
        self.send_response_only(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in _DROPPED_FROM_ANSWERS:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_HEAD = _forward  # noqa: N815 (the base class's names)

    def handle(self) -> None:
        try:
            super().handle()
        except (OSError, http.client.HTTPException):
            # One side hung up, as the stubs do on purpose: the other side must see the same.
            self.close_connection = True

    def finish(self) -> None:
        with contextlib.suppress(OSError):
            super().finish()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base class's name)
        """What happens is told by `make up`."""
