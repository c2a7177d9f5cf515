"""A violation's severity, and its fingerprint for "alerted before"."""

import pytest

from domain.rules.violation import Severity, Violation
from tests.fakes.make import long_pause, unmet


def test_severities_in_order_of_urgency() -> None:
    assert sorted(Severity, key=lambda each: each.urgency) == [Severity.INFO, Severity.WARNING, Severity.CRITICAL]


@pytest.mark.parametrize(
    ("same", "one", "other"),
    [
        (True, unmet(1, score=0.3, name="old", why="a"), unmet(1, score=0.1, name="new", why="b")),
        (True, unmet(1, severity=Severity.INFO), unmet(1, severity=Severity.CRITICAL)),
        (True, long_pause(limit_ms=5_000), long_pause(limit_ms=6_000)),
        (False, unmet(1), unmet(2)),
        (False, unmet(1, rule="a"), unmet(1, rule="b")),
        (False, long_pause(7_000), long_pause(7_001)),
        (False, long_pause(start_ms=1), long_pause(start_ms=2)),
    ],
)
def test_rule_and_subject_alone_make_the_fingerprint(same: bool, one: Violation, other: Violation) -> None:
    assert (one.fingerprint == other.fingerprint) is same
