"""The vendor's stub behaves as the vendor documents."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from local.http_stub import Fault
from local.recordings import FIXTURES, RECORDINGS
from local.vendor_stub import API_KEY, VendorStub

Reply = requests.Response


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VendorStub]:
    with VendorStub(tmp_path_factory.mktemp("vendor") / "vendor.log") as stub:
        yield stub


@pytest.fixture
def vendor(running: VendorStub) -> Iterator[VendorStub]:
    yield running
    running.reset()
    running.set_limit(None)


@pytest.fixture
def session() -> Iterator[requests.Session]:
    with requests.Session() as opened:
        opened.headers["Authorization"] = f"Bearer {API_KEY}"
        yield opened


def get(session: requests.Session, vendor: VendorStub, path: str, *, timeout: float = 5) -> Reply:
    return session.get(vendor.base_url + path, timeout=timeout, allow_redirects=False)


def public_id(recording_id: int) -> str:
    return next(recording.public_id for recording in RECORDINGS if recording.id == recording_id)


def test_the_documented_example_is_served_byte_for_byte(vendor: VendorStub, session: requests.Session) -> None:
    reply = get(session, vendor, "/recordings/123/results")
    assert reply.content == (FIXTURES / "recording_123.json").read_bytes()
    assert reply.headers["Content-Type"].startswith("application/json")
    data = reply.json()["data"]
    assert data["recording_id"] == 123
    assert [goal["met"] for goal in data["goals"]] == [True, True, False]
    assert [pause["duration_ms"] for pause in data["pauses"]] == [3500, 7000]
    assert '"score": 0.30' in reply.text


NOT_FOUND = {"error": "Resource not found"}
NOT_READY = {"errors": ["Transcription not available"]}


@pytest.mark.parametrize(
    ("path", "status", "body"),
    [
        *((path, 404, NOT_FOUND) for path in ("/recordings/1015/results", "/recordings/1015", "/recordings/nonsense")),
        *((path, 422, NOT_READY) for path in ("/recordings/1016/results", "/recordings/1017/summary")),
        ("/recordings?per_page=101", 400, {"error": "page starts at 1, per_page is 1 to 100"}),
        ("/recordings?page=x", 400, {"error": "page and per_page must be numbers"}),
    ],
)
def test_a_refusal_is_as_the_vendor_documents_it(
    vendor: VendorStub, session: requests.Session, path: str, status: int, body: dict[str, object]
) -> None:
    reply = get(session, vendor, path)
    assert (reply.status_code, reply.json()) == (status, body)


def test_the_limit_holds_over_sliding_sixty_seconds_and_under_simultaneous_requests(vendor: VendorStub) -> None:
    vendor.set_limit(20)
    headers = {"Authorization": f"Bearer {API_KEY}"}
    with ThreadPoolExecutor(8) as pool:
        replies = list(
            pool.map(lambda _: requests.get(f"{vendor.base_url}/recordings/123", headers=headers, timeout=5), range(60))
        )
    refused = [reply for reply in replies if reply.status_code == 429]
    assert (sum(reply.ok for reply in replies), len(refused)) == (20, 40)
    assert all(58 <= int(reply.headers["Retry-After"]) <= 60 for reply in refused)
    assert refused[0].json() == {"error": "Rate limit exceeded"}


def test_a_fault_holds_for_what_it_names_and_no_longer(vendor: VendorStub, session: requests.Session) -> None:
    """`tests/e2e` shows what each kind of fault does."""

    def statuses(*paths: str) -> list[int]:
        return [get(session, vendor, path).status_code for path in paths]

    vendor.set_fault(Fault("status", status=500))
    assert statuses("/recordings/123", "/recordings/1001") == [500, 500]
    vendor.set_fault(None)
    vendor.set_fault(Fault("status", status=500, times=2), 123)
    assert statuses("/recordings/1001", *["/recordings/123"] * 3) == [200, 500, 500, 200]
    vendor.set_fault(Fault("status", status=500, path_ends_with="/results"), 123)
    assert statuses("/recordings/123", "/recordings/123/results") == [200, 500]
    vendor.set_fault(Fault("status", status=500, for_seconds=0.0), 123)
    assert statuses("/recordings/123") == [200]
