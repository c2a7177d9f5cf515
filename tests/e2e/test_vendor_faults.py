"""The vendor misbehaves: each fault is waited out or buried, and nothing is judged by guesswork."""

from functools import partial

import pytest

from local.http_stub import Fault, FaultKind
from local.observation import about, deferral, requests_about
from local.recordings import Recording
from local.stack import LocalStack
from tests.e2e.conftest import MakeRecording

PASSING: dict[str, tuple[Fault, str]] = {
    "500": (Fault("status", status=500), "upstream_down"),
    "503": (Fault("status", status=503, retry_after="600"), "upstream_down"),
    "redirect": (Fault("redirect"), "upstream_down"),
    "time-out": (Fault("hang"), "upstream_down"),
    "reset": (Fault("reset"), "upstream_down"),
    "cut half-way": (Fault("reset_midway"), "upstream_down"),
    "not JSON": (Fault("not_json"), "upstream_down"),
    "truncated": (Fault("truncated"), "upstream_down"),
    "403": (Fault("status", status=403), "forbidden"),
    "404": (Fault("status", status=404), "not_found"),
    "422": (Fault("status", status=422, path_ends_with="/results"), "not_analysed"),
    "goals not evaluated": (Fault("goals_pending"), "goals_not_evaluated"),
}
UNUSABLE: tuple[FaultKind, ...] = ("wrong_type", "wrong_recording", "too_big")

Faulty = dict[str, Recording]


@pytest.fixture(scope="module")
def passing(stack: LocalStack, make_recording: MakeRecording) -> Faulty:
    recordings = {name: make_recording() for name in PASSING}
    for name, recording in recordings.items():
        stack.vendor.set_fault(PASSING[name][0], recording.id)
        stack.send({"recording_id": recording.id})
    return recordings


@pytest.fixture(scope="module")
def unusable(stack: LocalStack, make_recording: MakeRecording) -> Faulty:
    recordings = {str(kind): make_recording() for kind in UNUSABLE}
    for kind in UNUSABLE:
        stack.vendor.set_fault(Fault(kind), recordings[kind].id)
        stack.send({"recording_id": recordings[kind].id})
    return recordings


@pytest.mark.usefixtures("unusable")  # sent first: it takes three tries
@pytest.mark.parametrize("fault", PASSING)
def test_what_may_pass_is_deferred(stack: LocalStack, passing: Faulty, fault: str) -> None:
    recording = passing[fault]
    history = stack.wait_for(f"the deferral of {recording.id}", lambda: deferral(stack.waiting(), recording.id))
    assert history["reason"] == PASSING[fault][1]
    assert stack.outcome(recording.id) is None
    assert not about(stack.dead_letters(), recording.id)


def test_what_has_passed_is_judged(stack: LocalStack, make_recording: MakeRecording) -> None:
    """One failure, then a deferral of some seconds, then the vendor is well again."""
    down, late = make_recording(), make_recording()
    stack.vendor.set_fault(Fault("status", status=500, times=1), down.id)
    stack.vendor.set_fault(Fault("goals_pending", times=2), late.id)
    for recording in (down, late):
        stack.send({"recording_id": recording.id})
    for recording in (down, late):
        stack.wait_for(f"the alert of {recording.id}", partial(stack.alerts, recording.id))
        outcome = stack.outcome(recording.id)
        assert outcome
        assert outcome["status"] == "violations"


@pytest.mark.parametrize("kind", UNUSABLE)
def test_what_stays_unusable_is_buried_after_three_tries(stack: LocalStack, unusable: Faulty, kind: str) -> None:
    recording = unusable[kind]
    message = stack.wait_for(
        f"{recording.id} in the dead-letter queue", lambda: about(stack.dead_letters(), recording.id), within=90
    )[0]
    assert message.attributes["dead_letter_reason"] == "unusable_results"
    assert str(recording.id) in message.attributes["dead_letter_message"]
    assert requests_about(stack, recording.id) == 3
    assert stack.outcome(recording.id) is None
