"""`pause_too_long`: where it fires, where it does not, the boundary between, and how it reads."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.rules.judge import judge
from domain.rules.violation import Violation
from tests.fakes.make import call, long_pause, pause, pause_rule, rules

PAUSE_CASES = [
    # the rule, the pause, does it fire
    (pause_rule(5_000), pause(4_999), False),
    (pause_rule(5_000), pause(5_000), False),
    (pause_rule(5_000), pause(5_001), True),
    (pause_rule(5_000), pause(5_001, compliant=True), False),
    (pause_rule(5_000), pause(3_600_000, compliant=True), False),
    (pause_rule(0), pause(0), False),
    (pause_rule(0), pause(1), True),
    (pause_rule(0), pause() | {"duration_ms": -1}, False),
    (pause_rule(2**63 - 1), pause() | {"duration_ms": 2**63 - 1}, False),
    (pause_rule(5_000, enabled=False), pause(9_000), False),
    # The vendor's duration decides, even where start and end differ from it.
    (pause_rule(5_000), pause() | {"start_ms": 0, "end_ms": 0, "duration_ms": 5_001}, True),
]


@pytest.mark.parametrize(("rule", "found", "fires"), PAUSE_CASES)
def test_the_rule_fires_or_not(rule: dict[str, Any], found: dict[str, Any], fires: bool) -> None:
    subjects = [violation.subject for violation in judge(rules(rule), call(found)).violations]
    assert subjects == ([f"pause:{found['start_ms']}-{found['end_ms']}"] if fires else [])


@given(limit=st.integers(0, 2**62), beyond=st.integers(-1_000, 1_000))
def test_only_a_duration_over_the_limit_is_too_long(limit: int, beyond: int) -> None:
    fired = judge(rules(pause_rule(limit)), call(pause() | {"duration_ms": limit + beyond})).violations
    assert bool(fired) is (beyond > 0)


@pytest.mark.parametrize(
    ("violation", "subject", "summary"),
    [
        (long_pause(), "pause:95000-102000", "Pause too long: 7.0 s at 1:35, limit 5.0 s"),
        (long_pause(5_001), "pause:95000-100001", "Pause too long: 5.001 s at 1:35, limit 5.0 s"),
    ],
)
def test_the_violation_has_its_subject_and_summary(violation: Violation, subject: str, summary: str) -> None:
    assert (violation.subject, violation.summary) == (subject, summary)
