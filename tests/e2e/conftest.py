"""One deployed stack for all end-to-end tests; each test brings recordings of its own, so they never meet."""

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from local import webhooks
from local.mailbox import ADDRESS
from local.recordings import Recording, goal
from local.stack import LocalStack

UNMET = goal(3, "Offer Follow-up", 0.22, "The call ended without an offer to call back.")
MET = goal(3, "Offer Follow-up", 0.91, "A call back was offered.")

MakeRecording = Callable[..., Recording]

_numbers = itertools.count(50_001)


@pytest.fixture(scope="package")
def stack() -> Iterator[LocalStack]:
    """The real template, deployed. The request budget is out of the way; where it matters, tests start their own."""
    with LocalStack("test", overrides={"RequestsPerMinute": "3000", "AlertEmail": ADDRESS}) as started:
        started.store(webhooks.ENTRY, f"Bearer x {webhooks.SECRET}")  # two short words that must not count
        yield started
        started.keep_logs()


@pytest.fixture(scope="package")
def make_recording(stack: LocalStack) -> MakeRecording:
    """A new recording that the vendor knows; one goal unmet unless told otherwise."""

    def make(**fields: Any) -> Recording:
        recording = Recording(**{"id": next(_numbers), "name": "A call", "goals": [UNMET], **fields})
        stack.vendor.put(recording)
        return recording

    return make


@pytest.fixture(autouse=True)
def slack_behaves_afterwards(stack: LocalStack) -> Iterator[None]:
    yield
    stack.slack.set_fault(None)
