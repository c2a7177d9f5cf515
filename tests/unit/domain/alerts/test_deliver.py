"""One alert to one destination, posted once, whatever it answers and wherever a worker stops."""

from dataclasses import dataclass, field

import pytest

from domain.alerts.alert import Alert
from domain.alerts.deliver import DeliverAlert, Delivery, Sent, SentBefore
from domain.errors import AlertsError, EmailUnconfirmed, Refused, SlackUrlInvalid, Throttled, Unavailable
from domain.lease import LEASE_MS
from domain.retry import DeadLettered, Deferred, History
from tests.fakes.clock import NOON_MS, FakeClock
from tests.fakes.make import alert, fresh_history
from tests.fakes.outside import FakeDestination
from tests.fakes.stage import Crash, Stage
from tests.fakes.tables import InMemoryDeliveryLedger

FUNCTION_MS = 30_000
THE_ALERT = alert()


@dataclass
class World:
    stage: Stage = field(default_factory=Stage)
    clock: FakeClock = field(default_factory=FakeClock)

    def __post_init__(self) -> None:
        self.ledger = InMemoryDeliveryLedger(self.clock, self.stage)
        self.slack = FakeDestination(self.stage)
        self._deliver = DeliverAlert(ledger=self.ledger, destination=self.slack, now_ms=self.clock, random=lambda: 0.0)

    def deliver(self, history: History | None = None, given: Alert = THE_ALERT) -> Delivery:
        return self._deliver(given, history or fresh_history(self.clock()), self.clock() + FUNCTION_MS)

    def deliver_until_settled(self, history: History | None = None) -> Delivery:
        result = self.deliver(history)
        while isinstance(result, Deferred):
            self.clock.advance(max(1, result.delay_s * 1_000))
            result = self.deliver(result.history)
        return result


@pytest.fixture
def world() -> World:
    return World()


def deferred(result: Delivery) -> Deferred:
    assert isinstance(result, Deferred)
    return result


def test_an_alert_is_claimed_sent_and_recorded_in_this_order(world: World) -> None:
    assert world.deliver() == Sent(repeats_unknown=False)
    assert world.stage.passed[::2] == ["before claim", "before send", "before record_sent"]
    assert world.ledger.sent == {THE_ALERT.alert_id: "ok"}


class TestErrors:
    @pytest.mark.parametrize(
        ("error", "reason", "delay_s"),
        [
            (Throttled("429", NOON_MS + 30_000), "throttled", 30),
            (Throttled("429"), "throttled", 8),
            (Unavailable("500"), "upstream_down", 8),
            (SlackUrlInvalid("no URL"), "slack_url_invalid", 8),
            (EmailUnconfirmed("no subscription"), "email_unconfirmed", 8),
        ],
    )
    def test_a_transient_one_defers_and_releases_the_claim(
        self, world: World, error: AlertsError, reason: str, delay_s: int
    ) -> None:
        world.slack.fails(error)
        result = deferred(world.deliver())
        assert (result.reason, result.delay_s) == (reason, delay_s)
        world.clock.advance(delay_s * 1_000)
        assert world.deliver(result.history) == Sent(repeats_unknown=False)

    def test_a_429_is_tried_no_sooner_than_slack_says(self, world: World) -> None:
        world.slack.fails(Throttled("429", NOON_MS + 30_000))
        result = deferred(world.deliver())
        world.clock.advance(29_999)
        assert deferred(world.deliver(result.history)).delay_s == 1
        assert world.stage.passed.count("before send") == 1

    def test_a_permanent_one_is_a_dead_letter_with_slacks_word_and_can_be_redriven(self, world: World) -> None:
        world.slack.fails(Refused("channel_is_archived", "Slack answered 410 channel_is_archived."))
        assert world.deliver() == DeadLettered("channel_is_archived", "Slack answered 410 channel_is_archived.")
        assert world.deliver() == Sent(repeats_unknown=False)

    @pytest.mark.parametrize("arrives", [True, False])
    def test_a_lost_answer_is_sent_again_only_after_the_lease_and_counted(self, world: World, arrives: bool) -> None:
        world.slack.fails(Unavailable("time-out", perhaps_done=True), arrives=arrives)
        result = deferred(world.deliver())
        assert (result.reason, result.delay_s) == ("upstream_down", 8)
        early = deferred(world.deliver())
        assert (early.reason, early.delay_s) == ("in_flight", LEASE_MS // 1_000)
        world.clock.advance(LEASE_MS)
        assert world.deliver(result.history) == Sent(repeats_unknown=True)
        assert [each.alert_id for each in world.slack.arrived] == [THE_ALERT.alert_id] * (1 + arrives)

    def test_a_lost_answer_is_not_forgotten_over_a_429(self, world: World) -> None:
        world.slack.fails(Unavailable("time-out", perhaps_done=True), arrives=True)
        world.slack.fails(Throttled("429"))
        assert world.deliver_until_settled() == Sent(repeats_unknown=True)

    def test_too_little_time_left_starts_nothing(self, world: World) -> None:
        result = deferred(world._deliver(THE_ALERT, fresh_history(), NOON_MS + 11_999))
        assert (result.reason, result.delay_s) == ("out_of_time", 0)
        assert result.history.deferrals == {}
        assert world.stage.passed == []
        assert world._deliver(THE_ALERT, result.history, NOON_MS + 12_000) == Sent(repeats_unknown=False)


STEPS = ["claim", "send", "record_sent"]


@pytest.mark.parametrize("point", range(2 * len(STEPS)))
@pytest.mark.parametrize("back_after_ms", [10_000, 180_000])
def test_a_crash_anywhere_and_a_redelivery_post_it(world: World, point: int, back_after_ms: int) -> None:
    world.stage.crash_at(point)
    with pytest.raises(Crash):
        world.deliver()
    crashed = world.stage.passed[-1]
    world.clock.advance(back_after_ms)
    settled = world.deliver_until_settled()
    arrived_and_not_recorded = crashed in {"after send", "before record_sent"}
    assert len(world.slack.arrived) == (2 if arrived_and_not_recorded else 1)
    if crashed == "after record_sent":
        assert settled == SentBefore()
    else:
        # The next worker cannot know whether it arrived: a possible repeat is counted.
        assert settled == Sent(repeats_unknown=crashed != "before claim")


@pytest.mark.parametrize("point", range(2 * len(STEPS)))
def test_two_workers_with_the_same_alert_post_it_once(world: World, point: int) -> None:
    others = list[Delivery]()
    world.stage.at(point, lambda: others.append(world.deliver()))
    results = [world.deliver(), *others]
    assert len(results) == 2
    for result in results:
        if isinstance(result, Deferred):
            assert result.reason == "in_flight"
            world.clock.advance(result.delay_s * 1_000)
            assert world.deliver(result.history) == SentBefore()
    assert len(world.slack.arrived) == 1
    assert world.ledger.sent == {THE_ALERT.alert_id: "ok"}
