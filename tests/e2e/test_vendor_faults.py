"""The vendor misbehaves: what may pass is deferred, what stays unusable is a dead letter, and nothing is guessed."""

from functools import partial

import pytest

from local.http_stub import Fault, FaultKind
from local.observation import about, deferral, requests_about
from local.stack import LocalStack
from tests.e2e.conftest import MakeRecording

TRANSIENT: dict[str, tuple[Fault, str]] = {
    "500": (Fault("status", status=500), "upstream_down"),
    "redirect": (Fault("redirect"), "upstream_down"),
    "time-out": (Fault("hang"), "upstream_down"),
    "reset": (Fault("reset"), "upstream_down"),
    "cut half-way": (Fault("reset_midway"), "upstream_down"),
    "not JSON": (Fault("not_json"), "upstream_down"),
    "truncated": (Fault("truncated"), "upstream_down"),
    "403": (Fault("status", status=403), "forbidden"),
    "404": (Fault("status", status=404), "not_found"),
    "422": (Fault("status", status=422, path_ends_with="/results"), "not_analysed"),
}
UNUSABLE: tuple[FaultKind, ...] = ("wrong_type", "wrong_recording", "too_big")


@pytest.fixture(scope="module")
def sent(stack: LocalStack, make_recording: MakeRecording) -> dict[str, int]:
    """A recording for each fault, by its name. Those that take three tries are sent first."""
    faults = {
        **{str(kind): Fault(kind) for kind in UNUSABLE},
        **{name: fault for name, (fault, _) in TRANSIENT.items()},
    }
    numbers = {name: make_recording().id for name in faults}
    for name, number in numbers.items():
        stack.vendor.set_fault(faults[name], number)
        stack.send({"recording_id": number})
    return numbers


@pytest.mark.parametrize("fault", TRANSIENT)
def test_a_transient_fault_defers(stack: LocalStack, sent: dict[str, int], fault: str) -> None:
    number = sent[fault]
    history = stack.wait_for(f"the deferral of {number}", lambda: deferral(stack.waiting(), number))
    assert history["reason"] == TRANSIENT[fault][1]
    assert stack.outcome(number) is None
    assert not about(stack.dead_letters(), number)


def test_a_recording_is_judged_when_the_fault_has_passed(stack: LocalStack, make_recording: MakeRecording) -> None:
    """One failure, then a deferral of some seconds, then the vendor is well again."""
    down, late = make_recording(), make_recording()
    stack.vendor.set_fault(Fault("status", status=500, times=1), down.id)
    stack.vendor.set_fault(Fault("goals_pending", times=2), late.id)
    for recording in (down, late):
        stack.send({"recording_id": recording.id})
    for recording in (down, late):
        stack.wait_for(f"the alert of {recording.id}", partial(stack.alerts, recording.id))


@pytest.mark.parametrize("kind", UNUSABLE)
def test_an_answer_that_stays_unusable_is_a_dead_letter_after_three_tries(
    stack: LocalStack, sent: dict[str, int], kind: str
) -> None:
    number = sent[kind]
    [message] = stack.wait_for(
        f"{number} in the dead-letter queue", lambda: about(stack.dead_letters(), number), within=90
    )
    assert message.attributes["dead_letter_reason"] == "unusable_results"
    assert str(number) in message.attributes["dead_letter_message"]
    assert requests_about(stack, number) == 3
    assert stack.outcome(number) is None
