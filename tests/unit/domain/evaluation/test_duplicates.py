"""Events whose recording has an outcome already: duplicates, and results that have changed."""

import hashlib
from dataclasses import replace
from typing import Any

import pytest

from domain.errors import NotAnalysed
from domain.evaluation.event import Duplicate, Evaluated, Result
from domain.evaluation.outcome import STALENESS_MARGIN_MS, Outcome, Status
from domain.recording import RecordingId
from domain.retry import History
from domain.triggers.source import Source
from tests.fakes.clock import NOON_MS
from tests.fakes.make import UUID, body, details, event, goal, pause, pause_rule, rules
from tests.fakes.world import World, deferred, evaluated

HOUR_MS = 3_600_000
ONLY_PAUSES = rules(pause_rule())


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

    def test_an_event_of_discovery_costs_a_request_only_without_an_outcome(self, world: World) -> None:
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

    @pytest.mark.parametrize("names", [[UUID, 123], [123, UUID]])
    def test_a_uuid_and_the_number_are_one_recording_in_either_order(
        self, world: World, names: list[RecordingId]
    ) -> None:
        world.vendor.aliases[UUID] = 123
        world.vendor.answers(123, body(123, goal()))
        results = [world.handle(event(each)) for each in names]
        assert evaluated(results[0]).outcome.recording == 123
        assert results[1] == Duplicate(123, "unchanged")
        assert (list(world.outcomes.rows), len(world.topic.published)) == ([123], 1)
        assert world.outcomes.aliases == {UUID: 123}
        assert [world.handle(event(each, sent_ms=NOON_MS - 10_000)) for each in names] == [
            Duplicate(123, "old_news")
        ] * 2

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

    def test_only_new_violations_are_alerted(self, world: World) -> None:
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

    def test_a_violation_that_disappears_and_returns_is_alerted_once(self, world: World) -> None:
        for found in ([goal(1)], [goal(1, met=True)], [goal(1)]):
            evaluated(self.after(world, *found))
        assert world.alerted_subjects() == [["goal:1"]]
        assert world.outcome().status is Status.VIOLATIONS

    def test_a_rule_change_alone_never_re_alerts(self, world: World) -> None:
        self.after(world, goal(1), pause(4_000))
        before = world.outcome()
        world.rules.rules = rules(
            {"id": "stricter", "when": "pause_too_long", "severity": "critical", "longer_than_ms": 1_000},
            {"id": "renamed", "when": "goal_unmet", "severity": "critical"},
        )
        assert self.after(world, goal(1), pause(4_000)) == Duplicate(123, "unchanged")
        assert world.alerted_subjects() == [["goal:1"]]
        assert world.outcome().rules_version == before.rules_version

    def test_a_field_that_no_rule_reads_does_not_re_alert_after_a_rule_change(self, world: World) -> None:
        self.after(world, goal(1), pause(4_000))
        world.rules.rules = rules({"id": "s", "when": "pause_too_long", "severity": "info", "longer_than_ms": 1_000})
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
