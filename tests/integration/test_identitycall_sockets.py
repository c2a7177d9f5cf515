"""The vendor's API over real connections: cut, reset, silent, trickling, and far too talkative ones."""

import gzip
import json
import socket
from pathlib import Path

import pytest

from adapters.identitycall import client as identitycall
from adapters.identitycall.client import IdentityCallApi
from domain.errors import Unavailable, Unusable
from tests.fakes.clock import FakeClock
from tests.fakes.make import body, goal
from tests.fakes.outside import FakeMeter
from tests.fakes.parameters import FixedParameters
from tests.integration.socket_server import (
    CHUNKED,
    Act,
    RawServer,
    Trickles,
    chunk,
    cuts,
    head,
    is_silent,
    raw_server,
    resets,
    says,
    says_in_chunks,
    sends,
)

KEY = "idc_" + "k" * 32
BODY = json.dumps({"data": body(123, goal(why="y" * 400))}).encode()
HALF = BODY[: len(BODY) // 2]


class Ticks:
    """Seconds that pass by one at each look."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        self.now_s += 1
        return self.now_s


@pytest.fixture
def meter() -> FakeMeter:
    return FakeMeter()


def api_at(url: str, meter: FakeMeter, monotonic: Ticks | None = None) -> IdentityCallApi:
    return IdentityCallApi(url, FixedParameters(api_key=KEY), meter, FakeClock(), monotonic=monotonic or (lambda: 0.0))


@pytest.fixture
def api(server: RawServer, meter: FakeMeter) -> IdentityCallApi:
    return api_at(server.url, meter)


@pytest.fixture
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time-outs of a tenth of a second."""
    monkeypatch.setattr(identitycall, "READ_TIMEOUT_S", 0.1)


WHOLE: dict[str, Act] = {
    "with a length": says(BODY),
    "in chunks": says_in_chunks(HALF, BODY[len(HALF) :]),
    "compressed": says(gzip.compress(BODY), "200 OK", "Content-Encoding: gzip"),
    "until the connection closes": cuts(b"HTTP/1.1 200 OK\r\n\r\n", BODY),
    "byte by byte": sends(head(len(BODY)), *(bytes([byte]) for byte in BODY)),
}


@pytest.mark.parametrize("act", WHOLE.values(), ids=WHOLE)
def test_a_whole_answer_is_read(server: RawServer, api: IdentityCallApi, act: Act) -> None:
    server.answers(act)
    assert json.loads(api.results(123).json) == json.loads(BODY)["data"]


BROKEN: dict[str, Act] = {
    "closed without a word": cuts(),
    "reset without a word": resets(),
    "cut in the head": cuts(b"HTTP/1.1 200 OK\r\nContent-Le"),
    "cut half-way": cuts(head(len(BODY)), HALF),
    "reset half-way": resets(head(len(BODY)), HALF),
    "cut before the last byte": cuts(head(len(BODY)), BODY[:-1]),
    "cut within a chunk": cuts(CHUNKED, chunk(BODY)[: len(HALF)]),
    "cut between chunks": cuts(CHUNKED, chunk(HALF)),
    "cut before the last chunk": cuts(CHUNKED, chunk(BODY)),
    "chunks that are none": cuts(CHUNKED, b"xyz\r\n" + BODY),
    "compressed and cut": cuts(head(4_000, "Content-Encoding: gzip"), gzip.compress(BODY)[:-9]),
    "compressed and not": says(BODY, "200 OK", "Content-Encoding: gzip"),
    "not HTTP": cuts(b"SSH-2.0-OpenSSH_9.6\r\n"),
    "two lengths": cuts(b"HTTP/1.1 200 OK\r\nContent-Length: 5, 6\r\n\r\nabcdef"),
    "a head without an end": cuts(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000 + b"\r\n\r\n"),
}


@pytest.mark.parametrize("act", BROKEN.values(), ids=BROKEN)
def test_a_broken_answer_is_transient_and_counted_once(
    server: RawServer, api: IdentityCallApi, meter: FakeMeter, act: Act
) -> None:
    server.answers(act, says(BODY))
    with pytest.raises(Unavailable, match="Recording 123: "):
        api.results(123)
    assert sum(meter.totals.values()) == 1
    assert api.results(123).results.recording_id == 123  # the next request is not affected


@pytest.mark.usefixtures("_impatient")
@pytest.mark.parametrize(
    "act", [is_silent, sends(head(len(BODY))), sends(head(len(BODY)), HALF), sends(CHUNKED, chunk(HALF))]
)
def test_a_server_that_falls_silent_is_left(server: RawServer, api: IdentityCallApi, act: Act) -> None:
    server.answers(act)
    with pytest.raises(Unavailable, match="Recording 123: no answer from the API"):
        api.results(123)


PADDED = BODY + b" " * 400
TRICKLING = {
    "with a length": (head(len(PADDED)), PADDED),
    "in one chunk": (CHUNKED, chunk(PADDED) + chunk(b"")),
    "in many chunks": (CHUNKED, b"".join(chunk(PADDED[at : at + 5]) for at in range(0, len(PADDED), 5)) + chunk(b"")),
    "without end": (b"HTTP/1.1 200 OK\r\n\r\n", PADDED),
}


@pytest.mark.parametrize("parts", TRICKLING.values(), ids=TRICKLING)
def test_a_server_that_trickles_is_cut_off(server: RawServer, meter: FakeMeter, parts: tuple[bytes, bytes]) -> None:
    """No read times out, since something always comes. The whole answer has a limit of its own."""
    trickle = Trickles(*parts)
    server.answers(trickle)
    with pytest.raises(Unavailable, match="Recording 123: the API took over 8 s to answer"):
        api_at(server.url, meter, Ticks()).results(123)
    trickle.over.wait(10)
    assert not trickle.finished


FLOOD = b"x" * 1_000_000


@pytest.mark.parametrize(
    "act",
    [
        sends(b"HTTP/1.1 200 OK\r\n\r\n", *[FLOOD] * 6),
        sends(CHUNKED, *[chunk(FLOOD)] * 6),
        says(gzip.compress(b"x" * 6_000_000), "200 OK", "Content-Encoding: gzip"),
        sends(head(10**12), *[FLOOD] * 6),
    ],
    ids=["without a length", "in chunks", "compressed to very little", "announced as a terabyte"],
)
def test_a_flood_is_cut_off(server: RawServer, api: IdentityCallApi, act: Act) -> None:
    server.answers(act, says(BODY))
    with pytest.raises(Unusable, match="Recording 123: the API's answer is over 2 MB"):
        api.results(123)
    assert api.results(123).results.recording_id == 123


def test_a_refused_connection_is_transient(meter: FakeMeter) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(Unavailable, match=r"Recording 123: no answer from the API \(ConnectionError\)"):
        api_at(f"http://127.0.0.1:{port}", meter).results(123)


@pytest.mark.parametrize("name", ["with a length", "in chunks", "compressed"])
def test_a_connection_is_used_again(server: RawServer, api: IdentityCallApi, name: str) -> None:
    server.answers(WHOLE[name])
    for _ in range(3):
        api.results(123)
    assert (len(server.requests), len(server.connections)) == (3, 1)


def test_the_environment_neither_replaces_the_key_nor_reads_along(
    server: RawServer, api: IdentityCallApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    with raw_server() as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        server.answers(says(BODY))
        api.results(123)
        assert proxy.requests == []
    assert f"Authorization: Bearer {KEY}\r\n" in server.requests[0]
