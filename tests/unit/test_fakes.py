"""The fakes keep the contract that the real tables keep, and unit tests really have no sockets."""

import socket

import pytest
from pytest_socket import SocketBlockedError

from tests.fakes.clock import FakeClock
from tests.fakes.contracts import DeliveryLedgerContract, OutcomeTableContract
from tests.fakes.tables import InMemoryDeliveryLedger, InMemoryOutcomeTable


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


class TestInMemoryOutcomeTable(OutcomeTableContract):
    @pytest.fixture
    def table(self) -> InMemoryOutcomeTable:
        return InMemoryOutcomeTable()


class TestInMemoryDeliveryLedger(DeliveryLedgerContract):
    @pytest.fixture
    def ledger(self, clock: FakeClock) -> InMemoryDeliveryLedger:
        return InMemoryDeliveryLedger(clock)


def test_sockets_are_switched_off() -> None:
    with pytest.warns(UserWarning, match="tried to use socket"), pytest.raises(SocketBlockedError):
        socket.socket()
