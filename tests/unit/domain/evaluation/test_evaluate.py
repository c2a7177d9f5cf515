"""The main use case against fakes: each row of the design's table of vendor answers, and the rules of delivery."""

import hashlib
from dataclasses import replace
from typing import Any

import pytest

from domain.errors import (
    AlertsError,
    KeyForbidden,
    KeyMissing,
    KeyRefused,
    NotAnalysed,
    NotFound,
    Refused,
    RulesInvalid,
    Throttled,
    Unavailable,
    Unusable,
)
from domain.evaluation.event import Duplicate, Evaluated, Result
from domain.evaluation.outcome import STALENESS_MARGIN_MS, Outcome, Source, Status
from domain.lease import LEASE_MS
from domain.retry import DeadLettered, Deferred, History
from domain.rules.document import RuleSet
from tests.fakes.clock import NOON_MS
from tests.fakes.make import UUID, body, details, event, goal, pause
from tests.fakes.world import FUNCTION_MS, World

MINUTE_MS = 60_000
HOUR_MS = 3_600_000


@pytest.fixture
def world() -> World:
    return World()


def evaluated(result: Result) -> Evaluated:
    assert isinstance(result, Evaluated)
    return result


def deferred(result: Result) -> Deferred:
    assert isinstance(result, Deferred)
    return result


def rule_set(*rules: dict[str, Any]) -> RuleSet:
    return RuleSet.model_validate({"version": 1, "rules": list(rules)})


ONLY_PAUSES = rule_set({"id": "p", "when": "pause_too_long", "severity": "info", "longer_than_ms": 5_000})


class TestOneEvent:
    def test_a_clear_recording_is_one_request_one_write_and_no_alert(self, world: World) -> None:
        world.vendor.answers(123, body(123, goal(met=True), pause(5_000)))
        result = evaluated(world.handle(event()))
        assert (result.outcome.status, result.alerted) == (Status.CLEAR, False)
        assert world.vendor.requests == ["results 123"]
        assert (world.outcomes.writes, world.topic.published) == (1, [])
        assert world.outcome().alert is None

    def test_a_violation_is_saved_published_and_marked_in_this_order(self, world: World) -> None:
        world.vendor.answers(123, body(123, goal(3), pause()))
        result = evaluated(world.handle(event(source=Source.WEBHOOK)))
        assert result.alerted
        steps = [step.removeprefix("before ") for step in world.stage.passed if step.startswith("before ")]
        assert steps == ["read", "take", "results", "take", "details", "save", "publish", "mark_published"]
        outcome = world.outcome()
        assert outcome.status is Status.VIOLATIONS
        assert (outcome.source, outcome.revision, outcome.violations_total) == (Source.WEBHOOK, 2, 2)
        assert [kept.subject for kept in outcome.violations] == ["goal:3", "pause:95000-102000"]
        assert outcome.alert
        assert (outcome.alert.published_at_ms, outcome.alert.message) == (NOON_MS, None)
        assert world.topic.alert_ids == [outcome.alert.alert_id]
        assert len(outcome.alerted) == 2

    def test_the_outcome_holds_what_was_judged_and_by_which_rules(self, world: World) -> None:
        data = body(123, goal(met=True)) | {"keywords": [{"keyword_id": 1}]}
        world.vendor.answers(123, data)
        outcome = evaluated(world.handle(event())).outcome
        assert outcome.snapshot
        assert outcome.results_digest == outcome.snapshot.digest
        assert b'"keywords":[{"keyword_id":1}]' in outcome.snapshot.json
        assert isinstance(world.rules.rules, RuleSet)
        assert outcome.rules_version == world.rules.rules.digest
        assert (outcome.fetch_started_ms, outcome.evaluated_at_ms, outcome.goals_evaluated) == (NOON_MS, NOON_MS, True)

    def test_the_alert_names_the_recording_as_people_know_it(self, world: World) -> None:
        world.vendor.answers(123, body(123, goal()))
        world.vendor.describes(123, details(name="Support call 42"))
        assert evaluated(world.handle(event())).details_missing is None
        assert world.topic.published[0].recording_name() == "Support call 42"

    @pytest.mark.parametrize(
        "obstacle",
        [Unavailable("Down."), NotFound("None."), Throttled("Pause."), Unusable("Odd."), KeyForbidden("No.")],
    )
    def test_an_alert_goes_out_without_details_when_they_are_not_to_be_had(
        self, world: World, obstacle: AlertsError
    ) -> None:
        world.vendor.answers(123, body(123, goal()))
        world.vendor.describes(123, obstacle)
        result = evaluated(world.handle(event()))
        assert (result.alerted, result.details_missing) == (True, obstacle.reason)
        assert world.topic.published[0].recording_name() == "recording 123"
        assert world.vendor.requests == ["results 123", "details 123"]

    def test_an_alert_goes_out_without_details_when_the_budget_is_spent(self, world: World) -> None:
        world.vendor.answers(123, body(123, goal()))
        world.budget.left = 1
        assert evaluated(world.handle(event())).details_missing == "budget"
        assert len(world.topic.published) == 1

    def test_details_are_waited_for_only_a_little(self, world: World) -> None:
        world.vendor.answers(123, body(123, goal()))
        world.handle(event())
        results_latest_ms, details_latest_ms = world.budget.asked
        assert results_latest_ms == NOON_MS + FUNCTION_MS - 18_000
        assert details_latest_ms == NOON_MS + 2_000

    def test_the_outcome_keeps_the_first_fifty_violations_and_the_total(self, world: World) -> None:
        world.vendor.answers(123, body(123, *(pause(start_ms=number) for number in range(10_000))))
        world.rules.rules = ONLY_PAUSES
        outcome = evaluated(world.handle(event())).outcome
        assert (len(outcome.violations), outcome.violations_total, len(outcome.alerted)) == (50, 10_000, 10_000)
        assert world.topic.published[0].violations_total == 10_000


class TestWhatTheVendorAnswers:
    """The design's table, row by row."""

    @pytest.mark.parametrize(
        ("obstacle", "reason"),
        [
            (Unavailable("500, 301, time-out, cut, not JSON"), "upstream_down"),
            (Throttled("429"), "throttled"),
            (KeyRefused("401"), "unauthorized"),
            (KeyMissing("no key"), "no_api_key"),
            (KeyForbidden("403"), "forbidden"),
        ],
    )
    def test_a_passing_obstacle_defers_and_leaves_no_trace_in_the_table(
        self, world: World, obstacle: AlertsError, reason: str
    ) -> None:
        world.vendor.answers(123, obstacle)
        result = deferred(world.handle(event()))
        assert (result.reason, result.message) == (reason, str(obstacle))
        assert world.outcomes.rows == {}

    @pytest.mark.parametrize(
        ("obstacle", "held_for_ms"),
        [
            (Throttled("429"), MINUTE_MS),
            (Throttled("429, Retry-After", NOON_MS + 7_000), 7_000),
            (KeyRefused("401"), MINUTE_MS),
            (KeyMissing("no key"), MINUTE_MS),
        ],
    )
    def test_a_429_or_a_refused_key_holds_everybodys_requests(
        self, world: World, obstacle: AlertsError, held_for_ms: int
    ) -> None:
        world.vendor.answers(123, obstacle)
        world.handle(event())
        assert world.budget.holds == [NOON_MS + held_for_ms]

    @pytest.mark.parametrize("obstacle", [Unavailable("500"), KeyForbidden("403"), NotFound("404"), NotAnalysed("422")])
    def test_nothing_else_holds_anybody(self, world: World, obstacle: AlertsError) -> None:
        world.vendor.answers(123, obstacle)
        world.vendor.describes(123, details(goals_evaluated=False, status="processing"))
        world.handle(event())
        assert world.budget.holds == []

    def test_a_429_on_the_details_holds_too(self, world: World) -> None:
        world.vendor.answers(123, body(123, goal()))
        world.vendor.describes(123, Throttled("429", NOON_MS + 9_000))
        evaluated(world.handle(event()))
        assert world.budget.holds == [NOON_MS + 9_000]

    def test_a_server_that_asks_for_a_pause_is_given_it(self, world: World) -> None:
        world.vendor.answers(123, Unavailable("503", NOON_MS + 77_000), body(123))
        result = deferred(world.handle(event()))
        assert (result.delay_s, result.history.not_before_ms) == (77, NOON_MS + 77_000)

        world.clock.advance(76_999)
        early = deferred(world.handle(event(history=result.history)))
        assert (early.reason, early.delay_s, world.vendor.requests) == ("upstream_down", 1, ["results 123"])

    def test_an_outage_of_hours_ends_in_an_outcome_without_a_hand(self, world: World) -> None:
        world.vendor.answers(123, Unavailable("Down."))
        given = event()
        result: Result = deferred(world.handle(given))
        while world.clock() < NOON_MS + 6 * HOUR_MS:
            waiting = deferred(result)
            assert waiting.history.first_sent_ms == NOON_MS
            world.clock.advance(waiting.delay_s * 1_000)
            result = world.handle(replace(given, history=waiting.history))
        world.vendor.answers(123, body(123, goal()))
        assert evaluated(world.handle_until_settled(replace(given, history=deferred(result).history))).alerted

    def test_after_24_hours_it_is_given_up_with_the_reason(self, world: World) -> None:
        world.vendor.answers(123, KeyForbidden("Recording 123: the key lacks the read permission (403)."))
        result = world.handle_until_settled(event(), patience=1_000)
        assert result == DeadLettered(
            "forbidden",
            "Recording 123: the key lacks the read permission (403). Given up after waiting for 24 hours.",
        )
        assert world.clock() >= NOON_MS + 24 * HOUR_MS

    def test_400_is_a_dead_letter_at_once(self, world: World) -> None:
        world.vendor.answers(123, Refused("bad_request", "Recording 123: malformed (400)."))
        assert world.handle(event()) == DeadLettered("bad_request", "Recording 123: malformed (400).")

    def test_an_unusable_answer_is_tried_three_times(self, world: World) -> None:
        world.vendor.answers(123, Unusable("Recording 123: wrong shape."))
        result = world.handle_until_settled(event())
        assert result == DeadLettered("unusable_results", "Recording 123: wrong shape. Tried 3 times.")
        assert world.vendor.requests == ["results 123"] * 3

    @pytest.mark.parametrize("recording", [123, UUID])
    def test_404_is_believed_at_the_third_try_over_ten_minutes(self, world: World, recording: int | str) -> None:
        result = evaluated(world.handle_until_settled(event(recording)))
        assert (result.outcome.status, result.outcome.recording, result.alerted) == (Status.NOT_FOUND, recording, False)
        assert world.vendor.requests == [f"results {recording}"] * 3
        assert world.clock() == NOON_MS + 600_000
        assert world.outcome(recording).results_digest is None

    def test_404_never_replaces_a_judged_outcome(self, world: World) -> None:
        world.vendor.answers(123, body(123, goal()))
        judged = evaluated(world.handle(event())).outcome
        world.vendor.answers(123, NotFound("404"))
        world.clock.advance(HOUR_MS)
        assert world.handle_until_settled(event(sent_ms=world.clock())) == Duplicate(123, "kept")
        assert world.outcome().results_digest == judged.results_digest

    def test_a_recording_that_appears_after_all_is_judged(self, world: World) -> None:
        evaluated(world.handle_until_settled(event()))
        world.vendor.answers(123, body(123, goal()))
        result = evaluated(world.handle(event(sent_ms=world.clock())))
        assert (result.outcome.status, result.alerted, world.outcome().revision) == (Status.VIOLATIONS, True, 3)

    def test_404_again_is_nothing_new_and_counts_as_asked(self, world: World) -> None:
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

    @pytest.mark.parametrize("status", ["pending", "processing", "completed", None])
    def test_422_waits_while_the_analysis_may_still_come(self, world: World, status: str | None) -> None:
        world.vendor.answers(123, NotAnalysed("422"))
        world.vendor.describes(123, details(status=status))
        assert deferred(world.handle(event())).reason == "not_analysed"

    @pytest.mark.parametrize("answer", [NotAnalysed("422"), body(123)])
    def test_a_recording_gone_between_results_and_details_is_tried_like_any_404(
        self, world: World, answer: Any
    ) -> None:
        world.vendor.answers(123, answer)
        world.vendor.describes(123, NotFound("404"))
        result = evaluated(world.handle_until_settled(event()))
        assert result.outcome.status is Status.NOT_FOUND
        assert world.vendor.requests.count("details 123") == 3

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

    def test_what_is_unexpected_is_raised_for_the_queue(self, world: World) -> None:
        world.vendor.answers(123, ZeroDivisionError("a bug"))
        with pytest.raises(ZeroDivisionError):
            world.handle(event())


class TestLateGoals:
    """Results without goals are final only when the vendor says that goals are evaluated."""

    @pytest.mark.parametrize("goals_evaluated", [False, None])
    def test_they_are_waited_for(self, world: World, goals_evaluated: bool | None) -> None:
        world.vendor.answers(123, body(123, pause()))
        world.vendor.describes(123, details(goals_evaluated=goals_evaluated))
        assert deferred(world.handle(event())).reason == "goals_not_evaluated"
        assert world.outcomes.rows == {}

    def test_they_are_judged_with_the_rest_when_they_come(self, world: World) -> None:
        world.vendor.answers(123, body(123, pause()), body(123, pause(), goal()))
        world.vendor.describes(123, details(goals_evaluated=False), details())
        result = evaluated(world.handle_until_settled(event()))
        assert (result.outcome.violations_total, result.outcome.goals_evaluated) == (2, True)
        assert len(world.topic.published) == 1

    def test_after_60_minutes_what_is_there_is_judged_and_says_so(self, world: World) -> None:
        world.vendor.answers(123, body(123, pause()))
        world.vendor.describes(123, details(goals_evaluated=False))
        result = evaluated(world.handle_until_settled(event()))
        assert world.clock() >= NOON_MS + HOUR_MS
        assert (result.outcome.goals_evaluated, result.alerted) == (False, True)
        assert world.alerted_subjects() == [["pause:95000-102000"]]

    @pytest.mark.parametrize(("waited_ms", "waits"), [(HOUR_MS - 1, True), (HOUR_MS, False)])
    def test_the_boundary(self, world: World, waited_ms: int, waits: bool) -> None:
        world.vendor.answers(123, body(123))
        world.vendor.describes(123, details(goals_evaluated=False))
        assert isinstance(world.handle(event(sent_ms=NOON_MS - waited_ms)), Deferred) is waits

    def test_goals_later_than_that_are_alerted_when_their_event_comes(self, world: World) -> None:
        world.vendor.answers(123, body(123, pause()))
        world.vendor.describes(123, details(goals_evaluated=False))
        world.handle_until_settled(event())
        world.vendor.answers(123, body(123, pause(), goal(3)))
        world.clock.advance(HOUR_MS)
        evaluated(world.handle(event(sent_ms=world.clock())))
        assert world.alerted_subjects() == [["pause:95000-102000"], ["goal:3"]]

    def test_no_goals_are_final_when_they_were_fetched_after_they_were_evaluated(self, world: World) -> None:
        world.vendor.answers(123, body(123))
        result = evaluated(world.handle(event()))
        assert (result.outcome.status, result.outcome.goals_evaluated) == (Status.CLEAR, True)
        assert world.vendor.requests == ["results 123", "details 123", "results 123"]

    def test_goals_evaluated_between_the_two_requests_are_judged(self, world: World) -> None:
        world.vendor.answers(123, body(123), body(123, goal(3)))
        assert evaluated(world.handle(event())).outcome.goals_evaluated
        assert world.alerted_subjects() == [["goal:3"]]

    @pytest.mark.parametrize("answer", [body(123, pause()), NotAnalysed("422")])
    def test_each_request_brings_it_on_when_there_is_only_one_at_a_time(self, world: World, answer: Any) -> None:
        world.vendor.answers(123, answer, body(123, goal(3)))
        result: Result | None = None
        history, reasons = event().history, []
        for _ in range(3):
            world.budget.left = 1
            result = world.handle(event(history=history))
            if isinstance(result, Deferred):
                world.clock.advance(HOUR_MS // 4)
                history = result.history
                reasons.append(result.reason)
        assert reasons[1:] == ["budget"]
        assert world.vendor.requests == ["results 123", "details 123", "results 123"]
        assert evaluated(result).outcome.goals_evaluated if result else False

    def test_rules_without_goals_never_wait_nor_ask(self, world: World) -> None:
        world.rules.rules = ONLY_PAUSES
        world.vendor.answers(123, body(123))
        evaluated(world.handle(event()))
        assert world.vendor.requests == ["results 123"]

    def test_details_read_for_the_goals_serve_the_alert_too(self, world: World) -> None:
        world.vendor.answers(123, body(123, pause()))
        evaluated(world.handle(event()))
        assert world.vendor.requests == ["results 123", "details 123", "results 123"]
        assert world.topic.published[0].recording_name() == "Support call 42"


class TestDuplicates:
    def judged(self, world: World, *found: dict[str, Any]) -> Outcome:
        world.vendor.answers(123, body(123, *found))
        outcome = evaluated(world.handle(event())).outcome
        world.vendor.requests.clear()
        return outcome

    def test_an_event_sent_well_before_the_fetch_is_old_news_without_a_call(self, world: World) -> None:
        self.judged(world, goal())
        result = world.handle(event(sent_ms=NOON_MS - STALENESS_MARGIN_MS - 1))
        assert result == Duplicate(123, "old_news")
        assert (world.vendor.requests, len(world.topic.published)) == ([], 1)

    @pytest.mark.parametrize("sent_ms", [NOON_MS - STALENESS_MARGIN_MS, NOON_MS, NOON_MS + 5_000])
    def test_any_later_event_is_fetched_again_and_unchanged_results_change_nothing(
        self, world: World, sent_ms: int
    ) -> None:
        before = self.judged(world, goal())
        world.clock.advance(5_000)
        assert world.handle(event(sent_ms=sent_ms)) == Duplicate(123, "unchanged")
        assert world.vendor.requests == ["results 123"]
        assert len(world.topic.published) == 1
        after = world.outcome()
        assert (after.evaluated_at_ms, after.fetch_started_ms) == (before.evaluated_at_ms, NOON_MS + 5_000)

    def test_a_deferred_copy_counts_from_its_first_sending(self, world: World) -> None:
        self.judged(world)
        world.clock.advance(HOUR_MS)
        history = History(first_sent_ms=NOON_MS - 10_000, copied_ms=world.clock(), deferrals={"throttled": 4})
        assert world.handle(event(history=history)) == Duplicate(123, "old_news")

    def test_discovery_asks_only_about_recordings_nobody_knows(self, world: World) -> None:
        self.judged(world)
        later = event(sent_ms=NOON_MS + HOUR_MS, source=Source.DISCOVERY)
        assert world.handle(later) == Duplicate(123, "known")
        assert world.vendor.requests == []
        world.vendor.answers(124, body(124))
        assert isinstance(world.handle(event(124, source=Source.DISCOVERY)), Evaluated)

    def test_an_event_that_waits_is_told_to_discovery_once_unless_discovery_sent_it(self, world: World) -> None:
        first = deferred(world.handle(event()))
        world.clock.advance(first.delay_s * 1_000)
        deferred(world.handle(replace(event(), history=first.history)))
        deferred(world.handle(event(7, source=Source.DISCOVERY)))
        assert world.marks.sent == [123]

    @pytest.mark.parametrize("answer", [NotAnalysed("422"), body(123)])
    def test_an_event_that_waits_under_a_uuid_is_told_to_discovery_by_its_number_too(
        self, world: World, answer: Any
    ) -> None:
        """The list names the number: discovery would take the recording for one that the trigger has missed."""
        world.vendor.aliases[UUID] = 123
        world.vendor.answers(123, answer)
        world.vendor.describes(123, details(id=123, goals_evaluated=False))
        deferred(world.handle(event(UUID)))
        assert set(world.marks.sent) == {UUID, 123}

    def test_discovery_has_a_recording_judged_that_was_not_found_before(self, world: World) -> None:
        assert evaluated(world.handle_until_settled(event())).outcome.status is Status.NOT_FOUND
        world.vendor.answers(123, body(123))
        world.clock.advance(10_000)
        result = evaluated(world.handle(event(sent_ms=world.clock(), source=Source.DISCOVERY)))
        assert result.outcome.status is Status.CLEAR

    def test_a_uuid_and_then_the_number_are_one_recording(self, world: World) -> None:
        world.vendor.aliases[UUID] = 123
        world.vendor.answers(123, body(123, goal()))
        assert evaluated(world.handle(event(UUID))).outcome.recording == 123
        assert world.outcomes.aliases == {UUID: 123}
        old = NOON_MS - 10_000
        assert world.handle(event(123, sent_ms=old)) == Duplicate(123, "old_news")
        assert world.handle(event(UUID, sent_ms=old)) == Duplicate(123, "old_news")
        assert (list(world.outcomes.rows), len(world.topic.published)) == ([123], 1)

    def test_the_number_and_then_a_uuid_are_one_recording(self, world: World) -> None:
        world.vendor.aliases[UUID] = 123
        world.vendor.answers(123, body(123, goal()))
        evaluated(world.handle(event(123)))
        assert world.handle(event(UUID)) == Duplicate(123, "unchanged")
        assert (list(world.outcomes.rows), len(world.topic.published)) == ([123], 1)
        assert world.outcomes.aliases == {UUID: 123}

    def test_a_uuid_that_was_not_found_first_is_judged_under_its_number(self, world: World) -> None:
        evaluated(world.handle_until_settled(event(UUID)))
        world.vendor.aliases[UUID] = 123
        world.vendor.answers(123, body(123, goal()))
        evaluated(world.handle(event(UUID, sent_ms=world.clock())))
        assert world.handle(event(UUID, sent_ms=NOON_MS)) == Duplicate(123, "old_news")
        assert world.outcomes.read(UUID) == world.outcomes.read(123)


class TestReanalysis:
    def after(self, world: World, *found: dict[str, Any]) -> Result:
        """Different results, and an event about them an hour later."""
        world.vendor.answers(123, body(123, *found))
        world.clock.advance(HOUR_MS)
        return world.handle(event(sent_ms=world.clock()))

    def test_only_what_is_new_is_alerted(self, world: World) -> None:
        self.after(world, goal(1), pause())
        evaluated(self.after(world, goal(1, score=0.1), goal(2), pause()))
        assert world.alerted_subjects() == [["goal:1", "pause:95000-102000"], ["goal:2"]]
        assert world.outcome().violations_total == 3
        assert len(set(world.topic.alert_ids)) == 2

    def test_nothing_new_alerts_nothing_and_keeps_the_earlier_alert(self, world: World) -> None:
        self.after(world, goal(1), goal(2))
        before = world.outcome().alert
        result = evaluated(self.after(world, goal(1, score=0.2)))
        assert (result.alerted, world.outcome().violations_total, world.outcome().alert) == (False, 1, before)

    def test_what_was_mended_and_breaks_again_is_not_told_twice(self, world: World) -> None:
        for found in ([goal(1)], [goal(1, met=True)], [goal(1)]):
            evaluated(self.after(world, *found))
        assert world.alerted_subjects() == [["goal:1"]]
        assert world.outcome().status is Status.VIOLATIONS

    def test_a_rule_change_alone_never_re_alerts(self, world: World) -> None:
        self.after(world, goal(1), pause(4_000))
        before = world.outcome()
        world.rules.rules = rule_set(
            {"id": "stricter", "when": "pause_too_long", "severity": "critical", "longer_than_ms": 1_000},
            {"id": "renamed", "when": "goal_unmet", "severity": "critical"},
        )
        assert self.after(world, goal(1), pause(4_000)) == Duplicate(123, "unchanged")
        assert world.alerted_subjects() == [["goal:1"]]
        assert world.outcome().rules_version == before.rules_version

    def test_a_field_that_no_rule_reads_does_not_re_alert_after_a_rule_change(self, world: World) -> None:
        self.after(world, goal(1), pause(4_000))
        world.rules.rules = rule_set({"id": "s", "when": "pause_too_long", "severity": "info", "longer_than_ms": 1_000})
        world.vendor.answers(123, body(123, goal(1, why="in other words"), pause(4_000)) | {"keywords": [], "new": 1})
        world.clock.advance(HOUR_MS)
        assert world.handle(event(sent_ms=world.clock())) == Duplicate(123, "unchanged")
        assert world.alerted_subjects() == [["goal:1"]]

    def test_an_outcome_of_an_earlier_version_is_compared_by_its_own_digest(self, world: World) -> None:
        self.after(world, goal(1))
        judged = world.outcome()
        assert judged.snapshot
        digest = hashlib.sha256(judged.snapshot.json).hexdigest()
        world.outcomes.rows[123] = replace(judged, results_digest=digest)
        assert self.after(world, goal(1)) == Duplicate(123, "unchanged")
        assert world.outcome().results_digest == judged.results_digest
        world.outcomes.rows[123] = replace(world.outcome(), results_digest=digest)
        assert isinstance(self.after(world, goal(1), goal(2)), Evaluated)

    def test_new_results_are_judged_by_the_rules_in_force(self, world: World) -> None:
        self.after(world, goal(1, met=True))
        world.rules.rules = ONLY_PAUSES
        evaluated(self.after(world, goal(1), pause()))
        assert world.alerted_subjects() == [["pause:95000-102000"]]
        assert world.outcome().rules_version == ONLY_PAUSES.digest

    def test_details_are_asked_for_only_where_there_is_something_to_tell(self, world: World) -> None:
        self.after(world, goal(1))
        world.vendor.requests.clear()
        self.after(world, goal(1, score=0.2))
        assert world.vendor.requests == ["results 123"]


class TestPendingAlerts:
    def left_pending(self, world: World) -> Outcome:
        """An outcome whose worker saved it and could not publish."""
        world.vendor.answers(123, body(123, goal()))
        world.topic.loses_answers = 1
        with pytest.raises(ConnectionError):
            world.handle(event())
        world.topic.published.clear()
        world.vendor.requests.clear()
        outcome = world.outcome()
        assert outcome.pending_alert
        return outcome

    def test_while_its_lease_runs_others_wait_a_little(self, world: World) -> None:
        self.left_pending(world)
        world.clock.advance(10_000)
        result = deferred(world.handle(event(sent_ms=NOON_MS - 10_000)))
        assert (result.reason, result.delay_s) == ("in_flight", 8)
        assert world.topic.published == []

    @pytest.mark.parametrize(("after_ms", "carried_on"), [(LEASE_MS - 1, False), (LEASE_MS, True)])
    def test_when_it_ran_out_whoever_comes_carries_it_on(self, world: World, after_ms: int, carried_on: bool) -> None:
        self.left_pending(world)
        world.clock.advance(after_ms)
        result = world.handle(event(sent_ms=NOON_MS - 10_000))
        assert (result == Duplicate(123, "old_news", alerted=True)) is carried_on
        assert len(world.topic.published) == carried_on

    def test_it_is_carried_on_without_asking_the_vendor_and_under_its_id(self, world: World) -> None:
        before = self.left_pending(world)
        world.clock.advance(LEASE_MS)
        result = world.handle(event(sent_ms=NOON_MS + 1, source=Source.DISCOVERY))
        assert result == Duplicate(123, "known", alerted=True)
        assert world.vendor.requests == []
        assert before.alert
        assert world.topic.alert_ids == [before.alert.alert_id]
        assert world.topic.published[0] == before.alert.message
        assert world.outcome().pending_alert is None

    def test_it_is_carried_on_before_newer_results_replace_the_outcome(self, world: World) -> None:
        self.left_pending(world)
        world.vendor.answers(123, body(123, goal(1, met=True), goal(2)))
        world.clock.advance(LEASE_MS)
        evaluated(world.handle(event(sent_ms=world.clock())))
        assert world.alerted_subjects() == [["goal:1"], ["goal:2"]]

    def test_it_is_carried_on_even_when_the_vendor_is_down_and_the_rules_are_broken(self, world: World) -> None:
        self.left_pending(world)
        world.vendor.answers(123, Unavailable("Down."))
        world.rules.rules = RulesInvalid("Refused.")
        world.clock.advance(LEASE_MS)
        assert deferred(world.handle(event(sent_ms=world.clock()))).reason == "rules_invalid"
        assert world.alerted_subjects() == [["goal:1"]]

    def test_whoever_carries_it_on_takes_the_lease_first(self, world: World) -> None:
        self.left_pending(world)
        world.clock.advance(LEASE_MS)
        world.topic.loses_answers = 1
        with pytest.raises(ConnectionError):
            world.handle(event(sent_ms=world.clock()))
        pending = world.outcome().pending_alert
        assert pending
        assert pending.lease_until_ms == world.clock() + LEASE_MS
        assert deferred(world.handle(event(sent_ms=world.clock()))).reason == "in_flight"
