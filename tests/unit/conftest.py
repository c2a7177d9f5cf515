"""Unit tests open no socket and read no wall clock."""

import pytest
from hypothesis import HealthCheck, settings

pytest.register_assert_rewrite("tests.fakes.contracts", "tests.fakes.discovery_contract")

# A busy machine is no fault of the code: how long an example takes is measured by the benchmarks.
settings.register_profile("no clock", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("no clock")


@pytest.fixture(autouse=True)
def _no_sockets(socket_disabled: None) -> None:
    """Any test here that opens a socket fails with `SocketBlockedError`."""


@pytest.fixture(autouse=True)
def _metrics_as_deployed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "IdentityCallAlerts")
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "alerts")
