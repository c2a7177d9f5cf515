"""What becomes of an event for each answer of the vendor: the design's table, row by row."""

from typing import Any

import pytest

from domain.errors import (
    AlertsError,
    KeyForbidden,
    KeyMissing,
    KeyRefused,
    NotAnalysed,
    NotFound,
    RulesInvalid,
    Throttled,
    Unavailable,
)
from domain.evaluation.event import Duplicate, Evaluated
from domain.evaluation.outcome import Status
from tests.fakes.clock import NOON_MS
from tests.fakes.make import UUID, body, details, event, goal, pause
from tests.fakes.world import World, deferred, evaluated

MINUTE_MS = 60_000
HOUR_MS = 3_600_000


class TestWhatTheVendorAnswers:
    """The design's table, row by row."""

    @pytest.mark.parametrize(
        ("error", "reason"),
        [
            (Unavailable("500, 301, time-out, cut, not JSON"), "upstream_down"),
            (Throttled("429"), "throttled"),
            (KeyRefused("401"), "unauthorized"),
            (KeyMissing("no key"), "no_api_key"),
            (KeyForbidden("403"), "forbidden"),
        ],
    )
    def test_a_transient_error_defers_and_writes_no_outcome(
        self, world: World, error: AlertsError, reason: str
    ) -> None:
        world.vendor.answers(123, error)
        result = deferred(world.handle(event()))
        assert (result.reason, result.message) == (reason, str(error))
        assert world.outcomes.rows == {}

    @pytest.mark.parametrize(
        ("error", "held_for_ms"),
        [
            (Throttled("429"), MINUTE_MS),
            (Throttled("429, Retry-After", NOON_MS + 7_000), 7_000),
            (KeyRefused("401"), MINUTE_MS),
            (KeyMissing("no key"), MINUTE_MS),
        ],
    )
    def test_a_429_or_a_refused_key_holds_the_requests_of_all_workers(
        self, world: World, error: AlertsError, held_for_ms: int
    ) -> None:
        world.vendor.answers(123, error)
        world.handle(event())
        assert world.budget.holds == [NOON_MS + held_for_ms]

    @pytest.mark.parametrize("error", [Unavailable("500"), KeyForbidden("403"), NotFound("404"), NotAnalysed("422")])
    def test_no_other_error_holds_requests(self, world: World, error: AlertsError) -> None:
        world.vendor.answers(123, error)
        world.vendor.describes(123, details(goals_evaluated=False, status="processing"))
        world.handle(event())
        assert world.budget.holds == []

    def test_a_429_on_the_details_holds_too(self, world: World) -> None:
        world.vendor.answers(123, body(123, goal()))
        world.vendor.describes(123, Throttled("429", NOON_MS + 9_000))
        evaluated(world.handle(event()))
        assert world.budget.holds == [NOON_MS + 9_000]

    def test_a_pause_that_the_server_asks_for_is_kept(self, world: World) -> None:
        world.vendor.answers(123, Unavailable("503", NOON_MS + 77_000), body(123))
        result = deferred(world.handle(event()))
        assert (result.delay_s, result.history.not_before_ms) == (77, NOON_MS + 77_000)

        world.clock.advance(76_999)
        early = deferred(world.handle(event(history=result.history)))
        assert (early.reason, early.delay_s, world.vendor.requests) == ("upstream_down", 1, ["results 123"])

    @pytest.mark.parametrize("recording", [123, UUID])
    def test_the_third_404_within_ten_minutes_is_final(self, world: World, recording: int | str) -> None:
        result = evaluated(world.handle_until_settled(event(recording)))
        assert (result.outcome.status, result.outcome.recording, result.alerted) == (Status.NOT_FOUND, recording, False)
        assert world.vendor.requests == [f"results {recording}"] * 3
        assert world.clock() == NOON_MS + 600_000
        assert world.outcome(recording).results_digest is None

    def test_a_404_never_replaces_a_judged_outcome(self, world: World) -> None:
        world.vendor.answers(123, body(123, goal()))
        judged = evaluated(world.handle(event())).outcome
        world.vendor.answers(123, NotFound("404"))
        world.clock.advance(HOUR_MS)
        assert world.handle_until_settled(event(sent_ms=world.clock())) == Duplicate(123, "kept")
        assert world.outcome().results_digest == judged.results_digest

    def test_a_recording_that_appears_after_a_404_is_judged(self, world: World) -> None:
        evaluated(world.handle_until_settled(event()))
        world.vendor.answers(123, body(123, goal()))
        result = evaluated(world.handle(event(sent_ms=world.clock())))
        assert (result.outcome.status, result.alerted, world.outcome().revision) == (Status.VIOLATIONS, True, 3)

    def test_another_404_changes_only_the_time_of_the_fetch(self, world: World) -> None:
        evaluated(world.handle_until_settled(event()))
        asked_anew_ms = world.clock.now_ms
        assert world.handle_until_settled(event(sent_ms=asked_anew_ms)) == Duplicate(123, "unchanged")
        assert world.outcome().fetch_started_ms == asked_anew_ms + 600_000

    @pytest.mark.parametrize("answer", [NotAnalysed("422"), body(123)])
    def test_a_failed_analysis_is_an_outcome_of_its_own(self, world: World, answer: Any) -> None:
        world.vendor.answers(123, answer)
        world.vendor.describes(123, details(status="failed", goals_evaluated=None))
        result = evaluated(world.handle(event()))
        assert (result.outcome.status, result.alerted) == (Status.ANALYSIS_FAILED, False)
        assert world.vendor.requests == ["results 123", "details 123"]

    def test_a_failed_analysis_under_a_uuid_belongs_to_the_recording(self, world: World) -> None:
        world.vendor.aliases[UUID] = 123
        world.vendor.answers(123, NotAnalysed("422"))
        world.vendor.describes(123, details(id=123, status="failed"))
        assert evaluated(world.handle(event(UUID))).outcome.recording == 123
        assert world.outcomes.aliases == {UUID: 123}

    def test_a_failed_analysis_never_replaces_a_judged_outcome(self, world: World) -> None:
        world.vendor.answers(123, body(123, goal(met=True)))
        evaluated(world.handle(event()))
        world.vendor.answers(123, NotAnalysed("422"))
        world.vendor.describes(123, details(status="failed"))
        world.clock.advance(HOUR_MS)
        assert world.handle(event(sent_ms=world.clock())) == Duplicate(123, "kept")
        assert world.outcome().status is Status.CLEAR

    def test_no_budget_defers_to_the_time_it_names(self, world: World) -> None:
        world.budget.left = 0
        result = deferred(world.handle(event()))
        assert (result.reason, result.delay_s, world.vendor.requests) == ("budget", 30, [])

    def test_invalid_rules_defer_before_a_request_is_spent(self, world: World) -> None:
        world.rules.rules = RulesInvalid("The rules are refused.")
        world.vendor.answers(123, body(123, goal()))
        assert deferred(world.handle(event())).reason == "rules_invalid"
        assert (world.vendor.requests, world.budget.asked, world.outcomes.rows) == ([], [], {})

    def test_too_little_time_left_starts_nothing(self, world: World) -> None:
        result = world.evaluate(event(), NOON_MS + 17_999)
        assert deferred(result).reason == "out_of_time"
        assert deferred(result).delay_s == 0
        assert world.stage.passed == ["before mark_sent", "after mark_sent"]

    def test_just_enough_time_left_is_used(self, world: World) -> None:
        world.vendor.answers(123, body(123))
        assert isinstance(world.evaluate(event(), NOON_MS + 18_000), Evaluated)


class TestLateGoals:
    """Results without goals are final only when the vendor says that goals are evaluated."""

    def test_after_60_minutes_results_are_judged_without_goals_and_the_outcome_says_so(self, world: World) -> None:
        world.vendor.answers(123, body(123, pause()))
        world.vendor.describes(123, details(goals_evaluated=False))
        result = evaluated(world.handle_until_settled(event()))
        assert world.clock() >= NOON_MS + HOUR_MS
        assert (result.outcome.goals_evaluated, result.alerted) == (False, True)
        assert world.alerted_subjects() == [["pause:95000-102000"]]

    def test_details_read_for_the_goals_serve_the_alert_too(self, world: World) -> None:
        world.vendor.answers(123, body(123, pause()))
        evaluated(world.handle(event()))
        assert world.vendor.requests == ["results 123", "details 123", "results 123"]
        assert world.topic.published[0].recording_name() == "Support call 42"
