"""What every registered kind promises. Its own file beside this one tests the rest."""

import pytest

from domain.rules.condition import Condition
from domain.rules.kinds import KINDS


@pytest.mark.parametrize("kind", KINDS)
def test_condition_and_evidence_have_the_same_name(kind: type[Condition]) -> None:
    assert kind.model_fields["when"].annotation == kind.finding.model_fields["kind"].annotation
