"""The outcome's own rules: what is old news, and what each step of its alert changes."""

from dataclasses import replace

import pytest

from domain.evaluation.outcome import STALENESS_MARGIN_MS, Status
from domain.lease import LEASE_MS
from tests.fakes.clock import NOON_MS
from tests.fakes.contracts import CLEAR, NOT_FOUND
from tests.fakes.make import goal, pause, snapshot

FUNCTION_TIMEOUT_MS = 30_000


@pytest.mark.parametrize(
    ("sent_before_fetch_ms", "old_news"),
    [(STALENESS_MARGIN_MS + 1, True), (STALENESS_MARGIN_MS, False), (0, False), (-1, False), (86_400_000, True)],
)
def test_an_event_sent_well_before_the_fetch_is_old_news(sent_before_fetch_ms: int, old_news: bool) -> None:
    assert CLEAR.answers(CLEAR.fetch_started_ms - sent_before_fetch_ms) is old_news


def test_the_margin_is_two_seconds_and_a_lease_outlives_the_function() -> None:
    assert STALENESS_MARGIN_MS == 2_000
    assert LEASE_MS > FUNCTION_TIMEOUT_MS


@pytest.mark.parametrize(
    ("status", "judged"),
    [(Status.CLEAR, True), (Status.VIOLATIONS, True), (Status.NOT_FOUND, False), (Status.ANALYSIS_FAILED, False)],
)
def test_only_clear_and_violations_count_as_judged(status: Status, judged: bool) -> None:
    assert replace(CLEAR, status=status).judged is judged


def test_a_confirmation_never_turns_the_time_of_the_fetch_back() -> None:
    assert CLEAR.confirmed(NOON_MS - 5).fetch_started_ms == CLEAR.fetch_started_ms
    assert CLEAR.confirmed(NOON_MS + 5).fetch_started_ms == NOON_MS + 5


def test_an_outcome_without_an_alert_cannot_be_leased_or_published() -> None:
    for step in (NOT_FOUND.leased, NOT_FOUND.published_alert):
        with pytest.raises(ValueError, match="has no alert"):
            step(NOON_MS)


def test_the_digest_covers_what_rules_read_and_nothing_else() -> None:
    digest = snapshot(goal(1), pause()).digest
    assert snapshot(goal(1, why="in other words"), pause()).digest == digest
    assert snapshot(goal(1), pause(), keywords=[], new=1).digest == digest
    assert snapshot(goal(1, score=0.2), pause()).digest != digest
    assert snapshot(goal(1), pause(5_001)).digest != digest
    assert snapshot(goal(1), pause(), keywords=[{"keyword_id": 1}]).digest != digest
