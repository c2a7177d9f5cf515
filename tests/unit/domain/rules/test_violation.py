"""A violation's name for machines, its summary for people, its fingerprint for "alerted before"."""

import pytest

from domain.rules.violation import Severity, Violation
from tests.fakes.make import long_pause, unmet


def test_severities_in_order_of_urgency() -> None:
    assert sorted(Severity, key=lambda each: each.urgency) == [Severity.INFO, Severity.WARNING, Severity.CRITICAL]


@pytest.mark.parametrize(
    ("violation", "subject", "summary"),
    [
        (unmet(3), "goal:3", "Goal not met: Offer Follow-up, score 0.30"),
        (unmet(3, name=" \n"), "goal:3", "Goal not met: goal 3, score 0.30"),
        (unmet(3, name="a\nb"), "goal:3", "Goal not met: a b, score 0.30"),
        (long_pause(), "pause:95000-102000", "Pause too long: 7.0 s at 1:35, limit 5.0 s"),
        (long_pause(5_001), "pause:95000-100001", "Pause too long: 5.001 s at 1:35, limit 5.0 s"),
    ],
)
def test_subject_and_summary(violation: Violation, subject: str, summary: str) -> None:
    assert (violation.subject, violation.summary) == (subject, summary)


def test_a_long_name_is_cut_visibly() -> None:
    assert unmet(name="n" * 500).summary == f"Goal not met: {'n' * 101}… (+399 characters), score 0.30"


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
