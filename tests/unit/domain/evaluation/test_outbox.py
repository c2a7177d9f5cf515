"""Alerts that a dead worker left pending."""

from dataclasses import replace

import pytest

from domain.errors import AlertsError, RulesInvalid, Throttled, Unavailable
from domain.evaluation.event import Duplicate
from domain.evaluation.outcome import Outcome
from domain.lease import LEASE_MS
from domain.triggers.source import Source
from tests.fakes.clock import NOON_MS
from tests.fakes.make import body, event, goal
from tests.fakes.world import World, deferred, evaluated


class TestPendingAlerts:
    def left_pending(self, world: World) -> Outcome:
        """An outcome whose worker saved it and could not publish."""
        world.vendor.answers(123, body(123, goal()))
        world.topic.loses_answers = 1
        assert deferred(world.handle(event())).reason == "upstream_down"
        world.topic.published.clear()
        world.vendor.requests.clear()
        outcome = world.outcome()
        assert outcome.pending_alert
        return outcome

    @pytest.mark.parametrize(("after_ms", "carried_on"), [(LEASE_MS - 1, False), (LEASE_MS, True)])
    def test_an_event_publishes_it_once_its_lease_has_expired(
        self, world: World, after_ms: int, carried_on: bool
    ) -> None:
        self.left_pending(world)
        world.clock.advance(after_ms)
        result = world.handle(event(sent_ms=NOON_MS - 10_000))
        assert (result == Duplicate(123, "old_news", alerted=True)) is carried_on
        assert len(world.topic.published) == carried_on

    def test_it_is_published_without_a_request_and_under_its_id(self, world: World) -> None:
        before = self.left_pending(world)
        world.clock.advance(LEASE_MS)
        result = world.handle(event(sent_ms=NOON_MS + 1, source=Source.DISCOVERY))
        assert result == Duplicate(123, "known", alerted=True)
        assert world.vendor.requests == []
        assert before.alert
        assert world.topic.alert_ids == [before.alert.alert_id]
        assert world.topic.published[0] == before.alert.message
        assert world.outcome().pending_alert is None

    def test_it_is_published_before_newer_results_replace_the_outcome(self, world: World) -> None:
        self.left_pending(world)
        world.vendor.answers(123, body(123, goal(1, met=True), goal(2)))
        world.clock.advance(LEASE_MS)
        evaluated(world.handle(event(sent_ms=world.clock())))
        assert world.alerted_subjects() == [["goal:1"], ["goal:2"]]

    def test_it_is_published_even_while_the_vendor_is_down_and_the_rules_are_invalid(self, world: World) -> None:
        self.left_pending(world)
        world.vendor.answers(123, Unavailable("Down."))
        world.rules.rules = RulesInvalid("Refused.")
        world.clock.advance(LEASE_MS)
        assert deferred(world.handle(event(sent_ms=world.clock()))).reason == "rules_invalid"
        assert world.alerted_subjects() == [["goal:1"]]

    def test_the_worker_that_publishes_it_takes_the_lease_first(self, world: World) -> None:
        self.left_pending(world)
        world.clock.advance(LEASE_MS)
        world.topic.loses_answers = 1
        assert deferred(world.handle(event(sent_ms=world.clock()))).reason == "upstream_down"
        pending = world.outcome().pending_alert
        assert pending
        assert pending.lease_until_ms == world.clock() + LEASE_MS
        assert deferred(world.handle(event(sent_ms=world.clock()))).reason == "in_flight"


class TestAlertsNotSent:
    """The topic was certainly not reached, so no worker has to wait for the lease."""

    REFUSALS = (Unavailable("No connection."), Throttled("Too many."))

    @pytest.mark.parametrize("refusal", REFUSALS)
    def test_the_next_attempt_publishes_at_once_and_counts_no_repeat(self, world: World, refusal: AlertsError) -> None:
        world.vendor.answers(123, body(123, goal()))
        world.topic.refusals = [refusal]
        assert deferred(world.handle(event())).reason == refusal.reason
        assert world.handle(event(sent_ms=NOON_MS - 10_000)) == Duplicate(123, "old_news", alerted=True)
        assert len(world.topic.published) == 1
        assert world.meter.total("AlertsRepeated") == 0

    def test_the_next_attempt_of_its_event_asks_the_vendor_nothing(self, world: World) -> None:
        """The vendor may have asked for a pause when the alert's details were read."""
        world.vendor.answers(123, body(123, goal()))
        world.vendor.describes(123, Unavailable("503", NOON_MS + 60_000))
        world.topic.refusals = [Throttled("Too many.")]
        first = deferred(world.handle(event()))
        world.vendor.requests.clear()
        world.clock.advance(first.delay_s * 1_000)
        result = world.handle(replace(event(), history=first.history))
        assert result == Duplicate(123, "unchanged", alerted=True)
        assert (world.vendor.requests, len(world.topic.published)) == ([], 1)

    def test_a_repeat_that_was_not_sent_stays_a_repeat(self, world: World) -> None:
        world.vendor.answers(123, body(123, goal()))
        world.topic.loses_answers = 1
        deferred(world.handle(event()))
        world.clock.advance(LEASE_MS)
        world.topic.refusals = [Unavailable("No connection.")]
        deferred(world.handle(event()))
        world.handle(event())
        assert len(set(world.topic.alert_ids)) == 1
        assert (len(world.topic.published), world.meter.total("AlertsRepeated")) == (2, 1)
