"""A server that does with its connections what no well-behaved server does."""

import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Iterator

Act = Callable[[socket.socket], None]
"""What to do when a request has been read. The connection stays open for another request unless the act closes it."""


class RawServer:
    """Acts in the order given, one a request; the last one stays. `requests` are the heads and bodies it read."""

    def __init__(self) -> None:
        self.requests: list[str] = []
        self.connections: list[socket.socket] = []
        self._acts: list[Act] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads: list[threading.Thread] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def answers(self, *acts: Act) -> None:
        self._acts = list(acts)

    def serve(self) -> None:
        with contextlib.suppress(OSError):  # the listener was closed: the test is over
            while True:
                connection, _ = self._listener.accept()
                self.connections.append(connection)
                thread = threading.Thread(target=self._converse, args=(connection,), daemon=True)
                self._threads.append(thread)
                thread.start()

    def stop(self) -> None:
        for each in (self._listener, *self.connections):
            with contextlib.suppress(OSError):  # it is closed already
                each.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(10)

    def _converse(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):  # the client hung up, or the act closed the connection
            while request := _read_request(connection):
                self.requests.append(request)
                act = self._acts.pop(0) if len(self._acts) > 1 else self._acts[0]
                act(connection)


@contextlib.contextmanager
def raw_server() -> Iterator[RawServer]:
    server = RawServer()
    thread = threading.Thread(target=server.serve, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.stop()
        thread.join(10)


def says(body: bytes, status: str = "200 OK", *headers: str) -> Act:
    """A whole, proper answer."""
    head = "\r\n".join([f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""])
    return lambda connection: connection.sendall(head.encode() + body)


def says_in_chunks(*chunks: bytes) -> Act:
    return sends(CHUNKED, *(chunk(each) for each in chunks), chunk(b""))


def sends(*parts: bytes) -> Act:
    """These bytes and no others; the connection stays open."""

    def act(connection: socket.socket) -> None:
        for part in parts:
            connection.sendall(part)

    return act


def cuts(*parts: bytes) -> Act:
    """These bytes, and then the connection is closed."""

    def act(connection: socket.socket) -> None:
        sends(*parts)(connection)
        connection.shutdown(socket.SHUT_RDWR)

    return act


def resets(*parts: bytes) -> Act:
    """These bytes, and then the connection is torn down."""

    def act(connection: socket.socket) -> None:
        sends(*parts)(connection)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()

    return act


def is_silent(connection: socket.socket) -> None:
    """Nothing, until the client hangs up."""
    connection.recv(1)


class Trickles:
    """A head, and then the body byte by byte with a pause between. When it is `over`: was it `finished`?"""

    def __init__(self, head: bytes, body: bytes, pause_s: float = 0.01) -> None:
        self._head, self._body, self._pause_s = head, body, pause_s
        self.finished = False
        self.over = threading.Event()

    def __call__(self, connection: socket.socket) -> None:
        try:
            connection.sendall(self._head)
            for byte in self._body:
                connection.sendall(bytes([byte]))
                self._pause(connection)
            self.finished = True
        finally:
            self.over.set()

    def _pause(self, connection: socket.socket) -> None:
        connection.settimeout(self._pause_s)
        with contextlib.suppress(TimeoutError):
            if not connection.recv(1):
                raise ConnectionError("the client hung up")


def head(length: int, *headers: str) -> bytes:
    """The head of an answer that announces so many bytes."""
    return "\r\n".join(["HTTP/1.1 200 OK", f"Content-Length: {length}", *headers, "", ""]).encode()


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def chunk(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


def _read_request(connection: socket.socket) -> str:
    """One request's head and body; empty when the client has hung up."""
    raw = b""
    while b"\r\n\r\n" not in raw:
        more = connection.recv(65_536)
        if not more:
            return ""
        raw += more
    request, _, body = raw.partition(b"\r\n\r\n")
    lengths = [line.partition(b":")[2] for line in request.splitlines() if line.lower().startswith(b"content-length")]
    while len(body) < int(lengths[0] if lengths else 0):
        body += connection.recv(65_536)
    return (request + b"\r\n\r\n" + body).decode()
