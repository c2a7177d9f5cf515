"""Retry policy: a message that failed waits, or it is a dead letter, or the queue redelivers it."""

import pytest

from domain.errors import AlertsError, Conflict, InFlight, NotFound, NotNow, Refused, Throttled, Unavailable, Unusable
from domain.retry import (
    GIVE_UP_AFTER_MS,
    DeadLettered,
    Deferred,
    History,
    Random,
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
TRANSIENT = NotNow.__subclasses__()


def least() -> float:
    return 0.0


def most() -> float:
    return 0.999_999


def deferred(error: AlertsError, history: History, random: Random = least) -> Deferred:
    result = settle(error, history, NOON_MS, random)
    assert isinstance(result, Deferred)
    return result


def met_before(times: int, error: type[AlertsError]) -> History:
    return History(first_sent_ms=NOON_MS, copied_ms=NOON_MS, deferrals={error.reason: times})


class TestTransientErrors:
    @pytest.mark.parametrize("kind", TRANSIENT)
    def test_each_defers_with_its_own_reason(self, kind: type[NotNow]) -> None:
        result = deferred(kind("Not now."), fresh_history())
        assert (result.reason, result.message, result.history.reason) == (kind.reason, "Not now.", kind.reason)
        assert result.history.deferrals == {kind.reason: 1}

    def test_no_two_errors_have_the_same_reason(self) -> None:
        kinds: list[type[AlertsError]] = [*TRANSIENT, NotFound, Unusable, Refused, Conflict]
        reasons = [kind.reason for kind in kinds]
        assert len(set(reasons)) == len(reasons)

    @pytest.mark.parametrize(
        ("earlier", "shortest_s", "longest_s"),
        [(0, 8, 15), (1, 15, 30), (2, 30, 60), (5, 240, 480), (6, 450, 900), (7, 450, 900), (100, 450, 900)],
    )
    def test_the_delay_doubles_from_15_seconds_to_15_minutes_and_half_of_it_is_random(
        self, earlier: int, shortest_s: int, longest_s: int
    ) -> None:
        history = met_before(earlier, Unavailable)
        delays = [deferred(Unavailable("Down."), history, chance).delay_s for chance in (least, most)]
        assert delays == [shortest_s, longest_s]

    def test_each_reason_grows_for_itself(self) -> None:
        history = deferred(Unavailable("Down."), met_before(5, Throttled)).history
        assert history.deferrals == {"throttled": 5, "upstream_down": 1}
        assert deferred(Unavailable("Down."), history).delay_s == 15

    @pytest.mark.parametrize(
        ("in_ms", "delay_s"),
        [(30_000, 30), (30_001, 31), (0, 0), (-5, 0), (900_000, 900), (900_001, 900), (10**8, 900)],
    )
    def test_a_known_time_is_never_undercut_as_far_as_sqs_can_delay(self, in_ms: int, delay_s: int) -> None:
        result = deferred(Throttled("Pause.", NOON_MS + in_ms), fresh_history())
        assert (result.delay_s, result.history.not_before_ms) == (delay_s, NOON_MS + in_ms)

    def test_the_copy_remembers_its_first_sending_and_its_failures(self) -> None:
        history = History(first_sent_ms=NOON_MS - HOUR_MS, copied_ms=NOON_MS - 60_000, failures=3)
        copy = deferred(InFlight("Busy."), history).history
        assert (copy.first_sent_ms, copy.failures) == (NOON_MS - HOUR_MS, 3)

    @pytest.mark.parametrize("kind", [*TRANSIENT, Unusable])
    def test_after_24_hours_it_is_given_up_with_the_reason(self, kind: type[AlertsError]) -> None:
        deferred(kind("Not now."), fresh_history(NOON_MS - GIVE_UP_AFTER_MS + 1))
        result = settle(kind("Not now."), fresh_history(NOON_MS - GIVE_UP_AFTER_MS), NOON_MS, least)
        assert result == DeadLettered(kind.reason, "Not now. Given up after waiting for 24 hours.")


class TestCountedErrors:
    @pytest.mark.parametrize("history", [met_before(0, Unusable), met_before(1, Unusable), met_before(50, Throttled)])
    def test_an_unusable_answer_is_tried_again_twice_whatever_else_was_deferred(self, history: History) -> None:
        tries = deferred(Unusable("Odd."), history).history.count("unusable_results")
        assert tries == history.count("unusable_results") + 1

    def test_the_third_unusable_answer_is_a_dead_letter(self) -> None:
        result = settle(Unusable("Odd."), met_before(2, Unusable), NOON_MS, least)
        assert result == DeadLettered("unusable_results", "Odd. Tried 3 times.")

    @pytest.mark.parametrize("earlier", [0, 1])
    def test_a_404_is_tried_three_times_over_ten_minutes(self, earlier: int) -> None:
        assert not not_found_for_good(met_before(earlier, NotFound))
        assert deferred(NotFound("None."), met_before(earlier, NotFound)).delay_s == 300
        assert not_found_for_good(met_before(earlier + 2, NotFound))


class TestPermanentErrors:
    def test_a_refusal_is_a_dead_letter_at_once_with_the_other_side_s_word(self) -> None:
        result = settle(Refused("no_such_channel", "Slack says no."), fresh_history(), NOON_MS, least)
        assert result == DeadLettered("no_such_channel", "Slack says no.")

    @pytest.mark.parametrize("error", [Conflict("Lost."), AlertsError("What?")])
    def test_an_error_that_no_rule_covers_is_raised_for_the_queue_to_redeliver(self, error: AlertsError) -> None:
        with pytest.raises(type(error)):
            settle(error, fresh_history(), NOON_MS, least)


class TestUnexpectedErrors:
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


class TestHistory:
    SENT = History(
        first_sent_ms=NOON_MS - HOUR_MS,
        copied_ms=NOON_MS,
        not_before_ms=NOON_MS + 5,
        reason="throttled",
        deferrals={"throttled": 3},
    )

    @pytest.mark.parametrize("apart_ms", [0, 360_000, -360_000])
    def test_a_deferred_copy_goes_on_with_its_history_also_with_a_newer_version_s(self, apart_ms: int) -> None:
        text = self.SENT.model_dump_json().replace("{", '{"mood": "good",', 1)
        assert read_history(text, NOON_MS + apart_ms) == self.SENT

    @pytest.mark.parametrize("apart_ms", [360_001, 580_000, 86_400_000, -360_001])
    def test_a_redriven_copy_begins_anew(self, apart_ms: int) -> None:
        sent_ms = NOON_MS + apart_ms
        assert read_history(self.SENT.model_dump_json(), sent_ms) == fresh_history(sent_ms)

    @pytest.mark.parametrize(
        "text", [None, "", "{", "null", "[]", "{}", '{"first_sent_ms": "1"}', '{"first_sent_ms": 1e400}', "[" * 9_999]
    )
    def test_without_a_readable_history_a_message_begins_with_its_own_time(self, text: str | None) -> None:
        assert read_history(text, NOON_MS) == fresh_history(NOON_MS)

    @pytest.mark.parametrize(("waited_ms", "over"), [(HOUR_MS, False), (HOUR_MS + 1, True)])
    def test_over_an_hour_is_longer_than_operators_expect(self, waited_ms: int, over: bool) -> None:
        assert over_an_hour(fresh_history(NOON_MS - waited_ms), NOON_MS) is over


class TestEarlyCopies:
    @pytest.mark.parametrize("early_ms", [1, 899_999, 900_000, 5_000_000])
    def test_a_copy_that_came_back_too_early_waits_for_the_rest(self, early_ms: int) -> None:
        history = History(first_sent_ms=1, copied_ms=2, not_before_ms=NOON_MS + early_ms, reason="throttled")
        waiting = still_waiting(history, NOON_MS)
        assert waiting
        assert (waiting.delay_s, waiting.reason) == (min(900, -(-early_ms // 1000)), "throttled")
        assert waiting.history == history

    @pytest.mark.parametrize("late_ms", [0, 1, 10**9])
    def test_a_copy_that_came_back_in_time_is_worked_on(self, late_ms: int) -> None:
        history = History(first_sent_ms=1, copied_ms=2, not_before_ms=NOON_MS - late_ms)
        assert still_waiting(history, NOON_MS) is None
