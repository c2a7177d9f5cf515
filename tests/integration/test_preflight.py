"""An API that cannot be used is named before anything starts: what was tried, what answered, what to do."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.http_stub import Fault
from local.preflight import trouble
from local.vendor_stub import REVOKED_KEY, WRITE_ONLY_KEY, VendorStub


@pytest.fixture(scope="module")
def running() -> Iterator[VendorStub]:
    with VendorStub() as stub:
        yield stub


@pytest.fixture
def vendor(running: VendorStub) -> Iterator[VendorStub]:
    yield running
    running.reset()


def test_an_api_that_answers_has_no_problem(vendor: VendorStub) -> None:
    assert trouble(vendor.base_url, vendor.api_key) is None
    assert len(vendor.ledger()) == 1


def test_a_throttled_one_is_waited_out(vendor: VendorStub) -> None:
    vendor.set_fault(Fault("status", status=429))
    assert trouble(vendor.base_url, vendor.api_key) is None


@pytest.mark.parametrize(
    ("key", "fault", "said"),
    [
        (REVOKED_KEY, None, "was answered with 401: the key is unknown, revoked or expired."),
        (WRITE_ONLY_KEY, None, "was answered with 403: the key lacks the read permission."),
        (VendorStub.api_key, Fault("status", status=404), "was answered with 404: there is no such API"),
        (VendorStub.api_key, Fault("status", status=503), "was answered with 503: the API does not work just now."),
        (VendorStub.api_key, Fault("status", status=599), "was answered with 599: the API does not work just now."),
        (VendorStub.api_key, Fault("redirect", location="https://api.example"), "sent on to https://api.example."),
        (VendorStub.api_key, Fault("status", status=200, body="<html>"), "was not answered with JSON."),
        (VendorStub.api_key, Fault("reset"), "got no answer: 127.0.0.1 refused the connection or cut it."),
    ],
)
def test_the_answer_is_named_with_what_to_do(vendor: VendorStub, key: str, fault: Fault | None, said: str) -> None:
    vendor.set_fault(fault)
    problem = trouble(vendor.base_url, key)
    assert problem
    assert problem.startswith(f"GET {vendor.base_url}/recordings?per_page=1 ")
    assert said in problem
    assert key not in problem


@pytest.mark.parametrize("url", ["http://api.identitycall.ai/api", "notaurl"])
def test_an_address_that_the_product_refuses_gets_no_key(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("local.preflight.requests.get", lambda *_, **__: pytest.fail("a request was sent"))
    assert str(trouble(url, VendorStub.api_key)).startswith("API_URL must be an https address")


def test_a_netrc_entry_does_not_replace_the_key(
    vendor: VendorStub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login someone password else\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    assert trouble(vendor.base_url, vendor.api_key) is None


def test_a_closed_port_and_an_unknown_host_are_told_apart() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
    assert "127.0.0.1 refused the connection or cut it." in str(trouble(url, VendorStub.api_key))
    nowhere = trouble("https://api.identitycall.invalid/api", VendorStub.api_key)
    assert "there is no host named api.identitycall.invalid." in str(nowhere)
