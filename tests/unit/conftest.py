"""Unit tests speak to nothing: every socket is switched off. Nor do they look at the clock on the wall."""

import pytest
from hypothesis import HealthCheck, settings

pytest.register_assert_rewrite("tests.fakes.contracts")

# A busy machine is no fault of the code: how long an example takes is measured by the benchmarks.
settings.register_profile("no clock", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("no clock")


@pytest.fixture(autouse=True)
def _no_sockets(socket_disabled: None) -> None:
    """Any test here that opens a socket fails with `SocketBlockedError`."""
