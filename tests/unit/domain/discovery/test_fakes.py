"""The fake of discovery's memory keeps the contract that the real one keeps."""

import pytest

from domain.discovery.decision import Judged
from domain.evaluation.outcome import Source
from domain.recording import RecordingId
from tests.fakes.clock import FakeClock
from tests.fakes.discovery import InMemoryDiscovery

pytest.register_assert_rewrite("tests.fakes.discovery_contract")

from tests.fakes.discovery_contract import DiscoveryMemoryContract, Judge  # noqa: E402


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def memory(clock: FakeClock) -> InMemoryDiscovery:
    return InMemoryDiscovery(clock)


@pytest.fixture
def judge(memory: InMemoryDiscovery, clock: FakeClock) -> Judge:
    def store(recording: RecordingId, source: Source) -> None:
        memory.outcomes[recording] = Judged(source, clock())

    return store


class TestInMemoryDiscovery(DiscoveryMemoryContract):
    pass
