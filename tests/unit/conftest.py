"""Unit tests speak to nothing: every socket is switched off."""

import pytest

pytest.register_assert_rewrite("tests.fakes.contracts")


@pytest.fixture(autouse=True)
def _no_sockets(socket_disabled: None) -> None:
    """Any test here that opens a socket fails with `SocketBlockedError`."""
