"""Crashes at every step, and workers in each other's way at every step: one outcome, and its alert carried on.

A step is a call to the outside; a worker can be stopped, or overtaken, before it takes effect and after.
"""

from collections.abc import Callable

import pytest

from domain.evaluation.event import RecordingEvent, Result
from domain.evaluation.outcome import Outcome
from domain.lease import LEASE_MS
from domain.recording import RecordingId
from domain.retry import Deferred
from tests.fakes.clock import NOON_MS
from tests.fakes.make import UUID, body, event, goal, pause
from tests.fakes.stage import Crash
from tests.fakes.world import World, evaluated

HOUR_MS = 3_600_000
SOON_MS, AFTER_VISIBILITY_MS = 10_000, 180_000
"""A message whose worker failed comes back after its visibility; one that was asked for earlier, by the back-off."""


def alerting_world() -> World:
    world = World()
    world.vendor.aliases[UUID] = 123
    world.vendor.answers(123, body(123, goal(1), pause()))
    return world


def steps_of(given: RecordingEvent) -> list[str]:
    world = alerting_world()
    world.handle(given)
    return world.stage.passed


EVENTS = {"by its number": event(), "by its UUID": event(UUID)}
BY_NUMBER, BY_UUID = (steps_of(given) for given in EVENTS.values())
POINTS = [(name, point) for name, given in EVENTS.items() for point in range(len(steps_of(given)))]
SUBJECTS = ["goal:1", "pause:95000-102000"]


def test_the_steps_are_those_that_matter() -> None:
    assert [step for step in BY_UUID if step.startswith("before")] == [
        f"before {call}"
        for call in [
            "read",
            "take",
            "results",
            "take",
            "details",
            "remember_alias",
            "save",
            "publish",
            "mark_published",
        ]
    ]
    assert set(BY_UUID) - set(BY_NUMBER) == {"before remember_alias", "after remember_alias"}


def crash_at(world: World, point: int, given: RecordingEvent) -> None:
    world.stage.passed.clear()
    world.stage.crash_at(point)
    with pytest.raises(Crash):
        world.handle(given)


def assert_settled(world: World, sends: int | range = 1) -> None:
    """One outcome, its alert published and marked, under one id."""
    assert list(world.outcomes.rows) == [123]
    outcome = world.outcome()
    assert outcome.alert
    assert outcome.pending_alert is None
    assert set(world.topic.alert_ids) == {outcome.alert.alert_id}
    assert [*{tuple(subjects) for subjects in world.alerted_subjects()}] == [tuple(SUBJECTS)]
    assert len(world.topic.published) in (sends if isinstance(sends, range) else [sends])


class TestCrash:
    @pytest.mark.parametrize("back_after_ms", [SOON_MS, AFTER_VISIBILITY_MS])
    @pytest.mark.parametrize(("name", "point"), POINTS)
    def test_a_crash_anywhere_and_a_redelivery_leave_one_outcome_and_one_alert(
        self, name: str, point: int, back_after_ms: int
    ) -> None:
        given, world = EVENTS[name], alerting_world()
        crash_at(world, point, given)
        crashed = world.stage.passed[-1]
        world.clock.advance(back_after_ms)
        assert not isinstance(world.handle_until_settled(given), Deferred)
        # Only where the send was made and not yet marked may it be made again.
        assert_settled(world, sends=2 if crashed in {"after publish", "before mark_published"} else 1)


def overtaken(world: World, point: int, given: RecordingEvent, act: Callable[[], None]) -> Result:
    """Handle an event, and let `act` happen in the middle of it."""
    world.stage.at(point, act)
    return world.handle(given)


class TestFrozenThread:
    """Lambda froze it, and thaws it in a later invocation."""

    def test_it_saves_no_outcome_after_its_deadline(self) -> None:
        world = alerting_world()
        result = overtaken(world, BY_NUMBER.index("after details"), event(), lambda: world.clock.advance(30_001))
        assert isinstance(result, Deferred)
        assert result.reason == "out_of_time"
        assert not world.outcomes.rows

    @pytest.mark.parametrize(("held_up_ms", "published"), [(LEASE_MS // 2, 1), (LEASE_MS // 2 + 1, 0)])
    def test_it_publishes_nothing_with_little_of_its_lease_left(self, held_up_ms: int, published: int) -> None:
        world = alerting_world()
        overtaken(world, BY_NUMBER.index("after save"), event(), lambda: world.clock.advance(held_up_ms))
        assert len(world.topic.published) == published
        assert bool(world.outcome().pending_alert) is not bool(published)


class TestTwoWorkers:
    @pytest.mark.parametrize("other", [123, UUID])
    @pytest.mark.parametrize(("name", "point"), POINTS)
    def test_one_overtaking_the_other_anywhere_leaves_one_outcome_and_one_alert(
        self, name: str, point: int, other: RecordingId
    ) -> None:
        world, results = alerting_world(), list[Result]()
        results.append(overtaken(world, point, EVENTS[name], lambda: results.append(world.handle(event(other)))))
        assert len(results) == 2
        for given, result in zip([event(other), EVENTS[name]], results, strict=True):
            if isinstance(result, Deferred):
                world.clock.advance(result.delay_s * 1_000)
                world.handle_until_settled(given)
        assert_settled(world)

    @pytest.mark.parametrize("point", range(len(BY_NUMBER)))
    def test_a_worker_held_up_beyond_its_lease_does_no_harm(self, point: int) -> None:
        """Its alert was carried on by another; its own late send has the same id, and its late write loses."""
        world = alerting_world()

        def sleep_and_be_overtaken() -> None:
            world.clock.advance(LEASE_MS)
            world.handle(event(sent_ms=NOON_MS + 1))

        result = overtaken(world, point, event(), sleep_and_be_overtaken)
        if isinstance(result, Deferred):
            world.clock.advance(result.delay_s * 1_000)
            world.handle_until_settled(event())
        assert_settled(world, sends=range(1, 3))

    def test_a_late_mark_counts_although_another_worker_took_the_lease(self) -> None:
        """Else the other worker's successor would publish again an alert that is known to have arrived."""
        world = alerting_world()

        def another_takes_the_lease_and_dies() -> None:
            world.outcomes.advance(world.outcome().leased(world.clock() + LEASE_MS))

        overtaken(world, BY_NUMBER.index("after publish"), event(), another_takes_the_lease_and_dies)
        assert_settled(world)

    def test_a_worker_that_always_loses_waits_and_comes_back(self, monkeypatch: pytest.MonkeyPatch) -> None:
        world = alerting_world()
        world.handle(event())
        world.vendor.answers(123, body(123, goal(2)))
        world.clock.advance(HOUR_MS)
        save, lost = world.outcomes.save, list[Outcome]()

        def lose(outcome: Outcome) -> None:
            lost.append(outcome)
            save(world.outcomes.rows[123].confirmed(0))  # another worker's write
            save(outcome)

        with monkeypatch.context() as patch:
            patch.setattr(world.outcomes, "save", lose)
            result = world.handle(event(sent_ms=world.clock()))
        assert isinstance(result, Deferred)
        assert (result.reason, len(lost)) == ("contended", 4)
        world.handle_until_settled(event(history=result.history))
        assert world.alerted_subjects() == [SUBJECTS, ["goal:2"]]

    def test_results_that_went_back_are_not_lost_to_a_worker_that_saves_those_in_between(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The loser has found the stored results again. The winner replaces them by what it fetched before that."""
        world, between = alerting_world(), alerting_world()
        for each in (world, between):
            each.handle(event())
            each.clock.advance(HOUR_MS)
        at_first = world.outcome().results_digest
        between.vendor.answers(123, body(123, goal(2)))
        between.handle(event(sent_ms=between.clock()))
        advance = world.outcomes.advance

        def the_other_saves_first(outcome: Outcome) -> None:
            monkeypatch.undo()
            world.outcomes.rows[123] = between.outcome()
            advance(outcome)

        monkeypatch.setattr(world.outcomes, "advance", the_other_saves_first)
        evaluated(world.handle(event(sent_ms=world.clock() - 10_000)))
        assert world.outcome().results_digest == at_first

    def test_newer_results_are_not_lost_to_a_worker_that_was_first_with_older_ones(self) -> None:
        """The loser's event is older than the winner's fetch; yet it has seen what the winner has not."""
        older, world = alerting_world(), alerting_world()
        older.handle(event())
        world.vendor.answers(123, body(123, goal(2)))

        def the_other_saves_first() -> None:
            world.outcomes.rows[123] = older.outcome()

        before_save = BY_NUMBER.index("before save")
        overtaken(world, before_save, event(sent_ms=NOON_MS - 10_000), the_other_saves_first)
        assert [kept.subject for kept in world.outcome().violations] == ["goal:2"]
        assert world.alerted_subjects() == [["goal:2"]]
