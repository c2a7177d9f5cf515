"""Every kind of recording, sent at once: each comes to what is written down for it, and nothing comes twice."""

import contextlib

import pytest

from local.cases import CASES, Case
from local.observation import Observation, observe
from local.run import examples, send_all
from local.stack import LocalStack

NAMES = {case.recording_id: each.names for each, case in zip(examples(), CASES, strict=True)}


@pytest.fixture(scope="module")
def all_sent(stack: LocalStack) -> None:
    send_all(stack, examples())


def observed(stack: LocalStack, number: int) -> Observation:
    return observe(stack, {number: NAMES[number]})[number]


def await_expected(stack: LocalStack, case: Case) -> list[str]:
    """What is different from the case when it has come to what is expected, or had time enough."""
    with contextlib.suppress(TimeoutError):  # the differences say it better
        stack.wait_for(case.shows, lambda: not observed(stack, case.recording_id).differences(case), within=45)
    return observed(stack, case.recording_id).differences(case)


@pytest.mark.usefixtures("all_sent")
@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case.recording_id))
def test_a_recording_has_the_expected_result(stack: LocalStack, case: Case) -> None:
    assert await_expected(stack, case) == []


@pytest.mark.usefixtures("all_sent")
def test_nothing_arrives_twice_and_nothing_is_dead_lettered(stack: LocalStack) -> None:
    """Seen once more when everything has arrived, what came too often included."""
    for case in CASES:
        await_expected(stack, case)
    seen = observe(stack, NAMES)
    assert [difference for case in CASES for difference in seen[case.recording_id].differences(case)] == []
    assert [each.dead_lettered for each in seen.values() if each.dead_lettered] == []
