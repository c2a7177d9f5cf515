"""The fakes keep the contracts that the real tables keep, and unit tests really have no sockets."""

import socket

import pytest
from pytest_socket import SocketBlockedError

from domain.discovery.decision import Judged
from domain.recording import RecordingId
from domain.triggers.source import Source
from tests.fakes.clock import FakeClock
from tests.fakes.contracts import DeliveryLedgerContract, OutcomeTableContract
from tests.fakes.discovery import InMemoryDiscovery
from tests.fakes.discovery_contract import DiscoveryMemoryContract, Judge
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


class TestInMemoryDiscovery(DiscoveryMemoryContract):
    @pytest.fixture
    def memory(self, clock: FakeClock) -> InMemoryDiscovery:
        return InMemoryDiscovery(clock)

    @pytest.fixture
    def judge(self, memory: InMemoryDiscovery, clock: FakeClock) -> Judge:
        def store(recording: RecordingId, source: Source) -> None:
            memory.outcomes[recording] = Judged(source, clock())

        return store


def test_sockets_are_switched_off() -> None:
    with pytest.warns(UserWarning, match="tried to use socket"), pytest.raises(SocketBlockedError):
        socket.socket()
