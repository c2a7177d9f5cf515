"""What every registered kind promises. Its own file beside this one tests the rest."""

import pytest

from domain.rules.condition import Condition
from domain.rules.kinds.every import KINDS
from tests.fakes.make import call, goal, pause


@pytest.mark.parametrize("kind", KINDS)
def test_condition_and_evidence_have_the_same_name(kind: type[Condition]) -> None:
    assert kind.model_fields["when"].annotation == kind.finding.model_fields["kind"].annotation


@pytest.mark.parametrize("kind", KINDS)
def test_the_part_of_the_call_that_a_kind_looks_at_is_there(kind: type[Condition]) -> None:
    assert kind.looks_at is None or getattr(call(goal(), pause()), kind.looks_at)
