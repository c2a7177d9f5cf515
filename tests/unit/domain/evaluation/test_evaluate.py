"""One event, from the fetch to the published alert."""

import pytest

from domain.errors import (
    AlertsError,
    KeyForbidden,
    NotFound,
    Throttled,
    Unavailable,
    Unusable,
)
from domain.evaluation.outcome import Status
from domain.rules.document import RuleSet
from domain.triggers.source import Source
from tests.fakes.clock import NOON_MS
from tests.fakes.make import body, event, goal, pause, pause_rule, rules
from tests.fakes.world import FUNCTION_MS, World, evaluated

ONLY_PAUSES = rules(pause_rule())


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

    @pytest.mark.parametrize(
        "error",
        [Unavailable("Down."), NotFound("None."), Throttled("Pause."), Unusable("Odd."), KeyForbidden("No.")],
    )
    def test_an_alert_goes_out_without_details_when_they_are_not_to_be_had(
        self, world: World, error: AlertsError
    ) -> None:
        world.vendor.answers(123, body(123, goal()))
        world.vendor.describes(123, error)
        result = evaluated(world.handle(event()))
        assert (result.alerted, result.details_missing) == (True, error.reason)
        assert world.topic.published[0].recording_name() == "recording 123"
        assert world.vendor.requests == ["results 123", "details 123"]

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
