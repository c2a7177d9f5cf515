"""One AWS account for each test, and what surrounds the functions on it."""

import contextlib
from collections.abc import Iterator

import pytest
import responses
from moto import mock_aws

from tests.fakes.clock import FakeClock
from tests.integration.aws import REGION, TABLE, Aws
from tests.integration.evaluation import Evaluation
from tests.integration.socket_server import RawServer, raw_server, says
from tests.integration.workers import Vendor

__all__ = ["REGION", "TABLE", "Aws"]

pytest.register_assert_rewrite("tests.fakes.contracts", "tests.fakes.discovery_contract")


@pytest.fixture(autouse=True)
def _metrics_as_deployed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "IdentityCallAlerts")
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "alerts")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def aws() -> Iterator[Aws]:
    with mock_aws(), contextlib.closing(Aws()) as aws:
        yield aws


@pytest.fixture
def vendor(aws: Aws) -> Iterator[Vendor]:
    """After the account: moto's own fakes must not come before the vendor's."""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield Vendor(mock)


@pytest.fixture
def evaluation(aws: Aws, vendor: Vendor, clock: FakeClock, capsys: pytest.CaptureFixture[str]) -> Evaluation:
    return Evaluation(aws, vendor, clock, capsys)


@pytest.fixture
def server() -> Iterator[RawServer]:
    """Says `ok` to every request until a test tells it otherwise."""
    with raw_server() as server:
        server.answers(says(b"ok"))
        yield server
