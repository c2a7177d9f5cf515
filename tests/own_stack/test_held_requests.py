"""A 429 or a refused key holds everybody's requests, so these tests have a stack of their own."""

from collections.abc import Iterator
from functools import partial

import pytest

from local.http_stub import Fault
from local.observation import deferral
from local.recordings import Recording
from local.stack import LocalStack
from tests.e2e.conftest import UNMET

RETRY_AFTER = 6

THROTTLED = Recording(60_001, "Throttled", [UNMET])
OTHER = Recording(60_002, "Another", [UNMET])
REFUSED = Recording(60_003, "Refused", [UNMET])


@pytest.fixture(scope="module")
def own_stack() -> Iterator[LocalStack]:
    with LocalStack("test-held") as started:
        started.vendor.put(THROTTLED, OTHER, REFUSED)
        yield started


def test_after_a_429_nothing_is_asked_before_its_time(own_stack: LocalStack) -> None:
    own_stack.vendor.set_fault(Fault("status", status=429, retry_after=str(RETRY_AFTER), times=1), THROTTLED.id)
    own_stack.send({"recording_id": THROTTLED.id})
    own_stack.wait_for("the 429", lambda: any(entry.status == 429 for entry in own_stack.vendor.ledger()))
    own_stack.wait_for("the deferral", lambda: deferral(own_stack.waiting(), THROTTLED.id))
    own_stack.send({"recording_id": OTHER.id})
    for recording in (THROTTLED, OTHER):
        own_stack.wait_for(f"the alert of {recording.id}", partial(own_stack.alerts, recording.id), within=60)
    first, *others = own_stack.vendor.ledger()
    assert first.status == 429
    assert {entry.status for entry in others} == {200}
    assert min(entry.at for entry in others) >= first.at + RETRY_AFTER


def test_a_refused_key_defers_and_buries_nothing(own_stack: LocalStack) -> None:
    own_stack.vendor.set_fault(Fault("status", status=401, body='{"error": "API key revoked"}'), REFUSED.id)
    own_stack.send({"recording_id": REFUSED.id})
    history = own_stack.wait_for("the deferral", lambda: deferral(own_stack.waiting(), REFUSED.id))
    assert history["reason"] == "unauthorized"
    assert own_stack.dead_letters() == []
