"""What becomes of a message that met an obstacle: it waits, or it is a dead letter, or the queue redelivers it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import (
    AlertsError,
    BudgetSpent,
    Conflict,
    Contended,
    GoalsNotEvaluated,
    InFlight,
    KeyForbidden,
    KeyMissing,
    KeyRefused,
    NotAnalysed,
    NotFound,
    NotNow,
    OutOfTime,
    Refused,
    RulesInvalid,
    SlackUrlInvalid,
    Throttled,
    Unavailable,
    Unusable,
)
from domain.retry import (
    GIVE_UP_AFTER_MS,
    MAX_DELAY_S,
    DeadLettered,
    Deferred,
    History,
    give_up,
    not_found_for_good,
    over_an_hour,
    read_history,
    settle,
    still_waiting,
)
from tests.fakes.clock import NOON_MS
from tests.fakes.make import fresh_history

HOUR_MS = 3_600_000
PASSING = [
    Throttled,
    Unavailable,
    KeyMissing,
    KeyRefused,
    KeyForbidden,
    RulesInvalid,
    SlackUrlInvalid,
    NotAnalysed,
    GoalsNotEvaluated,
    BudgetSpent,
    OutOfTime,
    InFlight,
    Contended,
]


def least() -> float:
    return 0.0


def most() -> float:
    return 0.999_999


def deferred(obstacle: AlertsError, history: History, now_ms: int = NOON_MS) -> Deferred:
    result = settle(obstacle, history, now_ms, least)
    assert isinstance(result, Deferred)
    return result


def met_before(times: int, obstacle: type[AlertsError], first_sent_ms: int = NOON_MS) -> History:
    return History(first_sent_ms=first_sent_ms, copied_ms=NOON_MS, deferrals={obstacle.reason: times})


class TestPassingObstacles:
    @pytest.mark.parametrize("kind", PASSING)
    def test_each_defers_with_its_own_reason(self, kind: type[NotNow]) -> None:
        result = deferred(kind("Not now."), fresh_history())
        assert (result.reason, result.message, result.history.reason) == (kind.reason, "Not now.", kind.reason)
        assert result.history.deferrals == {kind.reason: 1}

    def test_reasons_are_words_of_their_own(self) -> None:
        kinds: list[type[AlertsError]] = [*PASSING, NotFound, Unusable, Refused, Conflict]
        reasons = {kind.reason for kind in kinds}
        assert len(reasons) == len(PASSING) + 4
        assert all(reason.replace("_", "").isalpha() for reason in reasons)

    @pytest.mark.parametrize(
        ("earlier", "shortest_s", "longest_s"),
        [(0, 8, 15), (1, 15, 30), (2, 30, 60), (5, 240, 480), (6, 450, 900), (7, 450, 900), (100, 450, 900)],
    )
    def test_the_delay_doubles_from_15_seconds_to_15_minutes_with_half_of_it_left_to_chance(
        self, earlier: int, shortest_s: int, longest_s: int
    ) -> None:
        history = met_before(earlier, Unavailable)
        delays = []
        for chance in (least, most):
            result = settle(Unavailable("Down."), history, NOON_MS, chance)
            assert isinstance(result, Deferred)
            delays.append(result.delay_s)
        assert delays == [shortest_s, longest_s]

    def test_each_reason_grows_for_itself(self) -> None:
        history = deferred(Unavailable("Down."), met_before(5, Throttled)).history
        assert history.deferrals == {"throttled": 5, "upstream_down": 1}
        assert deferred(Unavailable("Down."), history).delay_s == 15

    @pytest.mark.parametrize(
        ("in_ms", "delay_s"),
        [(30_000, 30), (30_001, 31), (0, 0), (-5, 0), (900_000, 900), (900_001, 900), (10**8, 900)],
    )
    def test_a_known_time_is_waited_for_and_never_undercut(self, in_ms: int, delay_s: int) -> None:
        result = deferred(Throttled("Pause.", NOON_MS + in_ms), fresh_history())
        assert (result.delay_s, result.history.not_before_ms) == (delay_s, NOON_MS + in_ms)

    def test_the_copy_remembers_when_the_first_message_was_sent(self) -> None:
        history = History(first_sent_ms=NOON_MS - HOUR_MS, copied_ms=NOON_MS - 60_000)
        assert deferred(Unavailable("Down."), history).history.first_sent_ms == NOON_MS - HOUR_MS

    @given(
        in_ms=st.none() | st.integers(-(10**9), 10**9),
        earlier=st.integers(0, 10_000),
        chance=st.floats(0, 1, exclude_max=True),
    )
    def test_sqs_takes_every_delay(self, in_ms: int | None, earlier: int, chance: float) -> None:
        obstacle = Throttled("Pause.", None if in_ms is None else NOON_MS + in_ms)
        result = settle(obstacle, met_before(earlier, Throttled), NOON_MS, lambda: chance)
        assert isinstance(result, Deferred)
        assert 0 <= result.delay_s <= MAX_DELAY_S

    @pytest.mark.parametrize("kind", PASSING)
    @pytest.mark.parametrize(("waited_ms", "given_up"), [(GIVE_UP_AFTER_MS - 1, False), (GIVE_UP_AFTER_MS, True)])
    def test_after_24_hours_it_is_given_up_with_the_reason(
        self, kind: type[NotNow], waited_ms: int, given_up: bool
    ) -> None:
        result = settle(kind("Not now."), fresh_history(NOON_MS - waited_ms), NOON_MS, least)
        if given_up:
            assert result == DeadLettered(kind.reason, "Not now. Given up after waiting for 24 hours.")
        else:
            assert isinstance(result, Deferred)


class TestCountedObstacles:
    @pytest.mark.parametrize("earlier", [0, 1])
    def test_an_unusable_answer_is_tried_again_twice(self, earlier: int) -> None:
        assert (
            deferred(Unusable("Odd."), met_before(earlier, Unusable)).history.count("unusable_results") == earlier + 1
        )

    def test_the_third_unusable_answer_is_a_dead_letter(self) -> None:
        result = settle(Unusable("Odd."), met_before(2, Unusable), NOON_MS, least)
        assert result == DeadLettered("unusable_results", "Odd. Tried 3 times.")

    def test_other_deferrals_do_not_count_as_tries(self) -> None:
        assert isinstance(settle(Unusable("Odd."), met_before(50, Throttled), NOON_MS, least), Deferred)

    @pytest.mark.parametrize(("earlier", "for_good"), [(0, False), (1, False), (2, True), (3, True)])
    def test_no_such_recording_is_believed_at_the_third_try(self, earlier: int, for_good: bool) -> None:
        assert not_found_for_good(met_before(earlier, NotFound)) is for_good

    @pytest.mark.parametrize("earlier", [0, 1])
    def test_three_tries_spread_over_ten_minutes(self, earlier: int) -> None:
        assert deferred(NotFound("None."), met_before(earlier, NotFound)).delay_s == 300


class TestPermanent:
    def test_a_refusal_is_a_dead_letter_at_once_with_the_other_sides_word(self) -> None:
        assert settle(Refused("no_such_channel", "Slack says no."), fresh_history(), NOON_MS, least) == DeadLettered(
            "no_such_channel", "Slack says no."
        )

    @pytest.mark.parametrize("obstacle", [Conflict("Lost."), AlertsError("What?")])
    def test_what_no_rule_covers_is_raised_for_the_queue_to_redeliver(self, obstacle: AlertsError) -> None:
        with pytest.raises(type(obstacle)):
            settle(obstacle, fresh_history(), NOON_MS, least)


class TestUnexpected:
    @pytest.mark.parametrize("earlier", range(4))
    def test_four_failures_are_left_to_sqs(self, earlier: int) -> None:
        assert give_up(ZeroDivisionError(), fresh_history().model_copy(update={"failures": earlier})) is None

    @pytest.mark.parametrize("earlier", [4, 5, 40])
    def test_the_fifth_is_a_dead_letter_without_the_error_s_text(self, earlier: int) -> None:
        letter = give_up(ZeroDivisionError("said"), fresh_history().model_copy(update={"failures": earlier}))
        assert letter == DeadLettered(
            "unexpected_error",
            f"The last of {earlier + 1} failures was ZeroDivisionError. The function's log has its trace.",
        )

    def test_a_deferred_copy_carries_them_on(self) -> None:
        history = fresh_history().model_copy(update={"failures": 3})
        deferral = settle(InFlight("Busy."), history, NOON_MS, lambda: 0.0)
        assert isinstance(deferral, Deferred)
        assert deferral.history.failures == 3


class TestHistory:
    SENT = History(
        first_sent_ms=NOON_MS - HOUR_MS,
        copied_ms=NOON_MS,
        not_before_ms=NOON_MS + 5,
        reason="throttled",
        deferrals={"throttled": 3},
    )

    def test_a_first_delivery_begins_with_its_own_time(self) -> None:
        assert read_history(None, NOON_MS) == History(first_sent_ms=NOON_MS, copied_ms=NOON_MS)

    @pytest.mark.parametrize("apart_ms", [0, 300_000, 360_000, -360_000])
    def test_a_deferred_copy_goes_on_with_its_history(self, apart_ms: int) -> None:
        assert read_history(self.SENT.model_dump_json(), NOON_MS + apart_ms) == self.SENT

    @pytest.mark.parametrize("apart_ms", [360_001, 580_000, 86_400_000, -360_001])
    def test_a_redriven_copy_begins_anew(self, apart_ms: int) -> None:
        sent_ms = NOON_MS + apart_ms
        assert read_history(self.SENT.model_dump_json(), sent_ms) == History(first_sent_ms=sent_ms, copied_ms=sent_ms)

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "{",
            "null",
            "[]",
            "{}",
            '{"first_sent_ms": "1"}',
            '{"first_sent_ms": 1e400, "copied_ms": 1}',
            "[" * 9_999,
        ],
    )
    def test_what_somebody_else_wrote_begins_anew(self, text: str) -> None:
        assert read_history(text, NOON_MS) == History(first_sent_ms=NOON_MS, copied_ms=NOON_MS)

    def test_a_newer_versions_history_is_read(self) -> None:
        text = self.SENT.model_dump_json().replace("{", '{"mood": "good",', 1)
        assert read_history(text, NOON_MS) == self.SENT

    @pytest.mark.parametrize(("waited_ms", "over"), [(HOUR_MS, False), (HOUR_MS + 1, True)])
    def test_operators_hear_of_what_is_on_its_way_for_over_an_hour(self, waited_ms: int, over: bool) -> None:
        assert over_an_hour(fresh_history(NOON_MS - waited_ms), NOON_MS) is over


class TestWaitingOn:
    @pytest.mark.parametrize("early_ms", [1, 899_999, 900_000, 5_000_000])
    def test_a_copy_that_came_back_too_early_waits_on_for_the_rest(self, early_ms: int) -> None:
        history = History(first_sent_ms=1, copied_ms=2, not_before_ms=NOON_MS + early_ms, reason="throttled")
        waiting = still_waiting(history, NOON_MS)
        assert waiting
        assert waiting.delay_s == min(900, -(-early_ms // 1000))
        assert waiting.reason == "throttled"
        assert waiting.history == history

    @pytest.mark.parametrize("late_ms", [0, 1, 10**9])
    def test_a_copy_that_came_back_in_time_is_worked_on(self, late_ms: int) -> None:
        history = History(first_sent_ms=1, copied_ms=2, not_before_ms=NOON_MS - late_ms)
        assert still_waiting(history, NOON_MS) is None
