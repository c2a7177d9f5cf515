"""What every registered kind promises. Its own file beside this one tests the rest."""

import pytest

from domain.rules.kinds import KINDS
from domain.rules.rule import Rule


@pytest.mark.parametrize("kind", KINDS)
def test_rule_and_evidence_have_the_same_name(kind: type[Rule]) -> None:
    assert kind.model_fields["when"].annotation == kind.finding.model_fields["kind"].annotation
