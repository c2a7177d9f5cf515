"""What an outcome table and a delivery ledger promise: the same tests for the fakes and for the real adapters.

A module that subclasses one of these gives the fixtures `table` or `ledger`, and `clock`.
"""

from dataclasses import replace

import pytest

from domain.alerts.deliver import AlreadySent, Claim, DeliveryLedger, HeldByAnother
from domain.errors import Conflict
from domain.evaluation.outcome import OutboxAlert, Outcome, Source, Status, keep
from domain.lease import LEASE_MS
from domain.ports import OutcomeTable
from domain.rules.violation import Severity
from tests.fakes.clock import NOON_MS, FakeClock
from tests.fakes.make import UUID, alert, details, goal, long_pause, pause, snapshot, unmet

CLEAR = Outcome(
    recording=123,
    status=Status.CLEAR,
    revision=1,
    source=Source.WEBHOOK,
    fetch_started_ms=NOON_MS + 1,
    evaluated_at_ms=NOON_MS + 234,
    results_digest="d" * 64,
    rules_version="r" * 16,
    snapshot=snapshot(goal(met=True)),
)
VIOLATIONS = (unmet(name="Grüße, 挨拶, 👋", severity=Severity.CRITICAL), long_pause())
VIOLATED = replace(
    CLEAR,
    status=Status.VIOLATIONS,
    violations=keep(VIOLATIONS),
    violations_total=2,
    alert=OutboxAlert("a" * 24, NOON_MS + LEASE_MS, alert(*VIOLATIONS, known=details())),
    alerted=frozenset(violation.fingerprint for violation in VIOLATIONS),
    snapshot=snapshot(goal(name="Grüße, 挨拶, 👋"), pause()),
)
NOT_FOUND = Outcome(
    recording=UUID,
    status=Status.NOT_FOUND,
    revision=1,
    source=Source.QUEUE,
    fetch_started_ms=NOON_MS,
    evaluated_at_ms=NOON_MS,
)
OUTCOMES = {
    "clear": CLEAR,
    "violations with a pending alert": VIOLATED,
    "violations with a published alert": replace(VIOLATED, alert=OutboxAlert("a", NOON_MS, None, NOON_MS + 5)),
    "goals not evaluated": replace(CLEAR, goals_evaluated=False),
    "not found, by UUID": NOT_FOUND,
    "analysis failed, by integer": replace(
        NOT_FOUND, recording=9_999_999_999_999_999_999, status=Status.ANALYSIS_FAILED
    ),
}


class OutcomeTableContract:
    @pytest.mark.parametrize("recording", [123, UUID])
    def test_what_was_never_saved_is_not_there(self, table: OutcomeTable, recording: int | str) -> None:
        assert table.read(recording) is None

    @pytest.mark.parametrize("outcome", OUTCOMES.values(), ids=OUTCOMES)
    def test_an_outcome_is_read_as_it_was_saved_without_its_results(
        self, table: OutcomeTable, outcome: Outcome
    ) -> None:
        table.save(outcome)
        assert table.read(outcome.recording) == replace(outcome, snapshot=None)

    def test_a_newer_outcome_replaces_the_revision_before_it_as_a_whole(self, table: OutcomeTable) -> None:
        table.save(VIOLATED)
        table.save(replace(CLEAR, revision=2))
        assert table.read(123) == replace(CLEAR, revision=2, snapshot=None)

    @pytest.mark.parametrize("standing", [0, 1, 2, 4], ids="standing {}".format)
    def test_a_save_that_names_another_revision_than_the_standing_one_loses(
        self, table: OutcomeTable, standing: int
    ) -> None:
        for revision in range(1, standing + 1):
            table.save(replace(VIOLATED, revision=revision))
        before = table.read(123)

        with pytest.raises(Conflict):
            table.save(replace(CLEAR, revision=4 if standing != 4 else 1))

        assert table.read(123) == before

    def test_an_advance_writes_lease_publication_and_fetch_and_nothing_else(self, table: OutcomeTable) -> None:
        table.save(VIOLATED)
        marked = replace(VIOLATED.published(NOON_MS + 9), fetch_started_ms=NOON_MS + 70)
        table.advance(replace(marked, violations=(), violations_total=0, status=Status.CLEAR, alerted=frozenset()))

        assert table.read(123) == replace(marked, snapshot=None)

    def test_an_outcome_without_an_alert_can_be_advanced(self, table: OutcomeTable) -> None:
        table.save(CLEAR)
        table.advance(CLEAR.confirmed(NOON_MS + 70_000))
        assert table.read(123) == replace(CLEAR, revision=2, fetch_started_ms=NOON_MS + 70_000, snapshot=None)

    def test_an_advance_keeps_a_lease_readable(self, table: OutcomeTable) -> None:
        table.save(VIOLATED)
        leased = VIOLATED.leased(NOON_MS + 3 * LEASE_MS)
        table.advance(leased)
        assert table.read(123) == replace(leased, snapshot=None)

    def test_of_two_advances_of_one_revision_the_second_loses(self, table: OutcomeTable) -> None:
        table.save(VIOLATED)
        table.advance(VIOLATED.published(NOON_MS + 1))
        with pytest.raises(Conflict):
            table.advance(VIOLATED.published(NOON_MS + 2))

        read = table.read(123)
        assert read
        assert read.alert
        assert read.alert.published_at_ms == NOON_MS + 1

    def test_what_is_not_there_cannot_be_advanced(self, table: OutcomeTable) -> None:
        with pytest.raises(Conflict):
            table.advance(VIOLATED.published(NOON_MS))
        assert table.read(123) is None

    def test_an_alias_finds_the_outcome(self, table: OutcomeTable) -> None:
        table.save(CLEAR)
        table.remember_alias(UUID, 123)
        assert table.read(UUID) == replace(CLEAR, snapshot=None)

    def test_an_alias_of_what_is_not_there_yet_finds_nothing(self, table: OutcomeTable) -> None:
        table.remember_alias(UUID, 123)
        assert table.read(UUID) is None

    def test_what_was_stored_under_the_uuid_counts_until_there_is_an_outcome_under_the_number(
        self, table: OutcomeTable
    ) -> None:
        table.save(NOT_FOUND)
        table.remember_alias(UUID, 123)
        assert table.read(UUID) == replace(NOT_FOUND, snapshot=None)

    def test_an_alias_outranks_what_was_stored_under_the_uuid(self, table: OutcomeTable) -> None:
        table.save(NOT_FOUND)
        table.remember_alias(UUID, 123)
        table.remember_alias(UUID, 123)
        table.save(CLEAR)
        assert table.read(UUID) == replace(CLEAR, snapshot=None)


class DeliveryLedgerContract:
    def test_the_first_claim_holds(self, ledger: DeliveryLedger) -> None:
        assert ledger.claim(alert(), NOON_MS + LEASE_MS) == Claim(NOON_MS + LEASE_MS, repeats_unknown=False)

    def test_while_a_lease_runs_nobody_else_may_send(self, ledger: DeliveryLedger, clock: FakeClock) -> None:
        ledger.claim(alert(), NOON_MS + LEASE_MS)
        clock.advance(LEASE_MS - 1)
        assert ledger.claim(alert(), NOON_MS + 2 * LEASE_MS) == HeldByAnother(NOON_MS + LEASE_MS)

    def test_a_lease_that_ran_out_is_taken_over_and_its_send_is_unknown(
        self, ledger: DeliveryLedger, clock: FakeClock
    ) -> None:
        ledger.claim(alert(), NOON_MS + LEASE_MS)
        clock.advance(LEASE_MS)
        later_ms = NOON_MS + 2 * LEASE_MS
        assert ledger.claim(alert(), later_ms) == Claim(later_ms, repeats_unknown=True)
        assert ledger.claim(alert(), later_ms + LEASE_MS) == HeldByAnother(later_ms)

    def test_a_claim_given_back_can_be_taken_at_once_and_repeats_nothing(self, ledger: DeliveryLedger) -> None:
        claim = ledger.claim(alert(), NOON_MS + LEASE_MS)
        assert isinstance(claim, Claim)
        ledger.release(alert(), claim)
        assert ledger.claim(alert(), NOON_MS + LEASE_MS + 1) == Claim(NOON_MS + LEASE_MS + 1, repeats_unknown=False)

    def test_a_claim_given_back_until_a_time_can_be_taken_by_nobody_before(
        self, ledger: DeliveryLedger, clock: FakeClock
    ) -> None:
        claim = ledger.claim(alert(), NOON_MS + LEASE_MS)
        assert isinstance(claim, Claim)
        ledger.release(alert(), claim, NOON_MS + 30_000)
        assert ledger.claim(alert(), NOON_MS + LEASE_MS) == HeldByAnother(NOON_MS + 30_000)
        clock.advance(30_000)
        assert ledger.claim(alert(), NOON_MS + 2 * LEASE_MS) == Claim(NOON_MS + 2 * LEASE_MS, repeats_unknown=False)

    def test_what_may_have_arrived_once_stays_so_when_a_later_claim_is_given_back(
        self, ledger: DeliveryLedger, clock: FakeClock
    ) -> None:
        ledger.claim(alert(), NOON_MS + LEASE_MS)
        clock.advance(LEASE_MS)
        second = ledger.claim(alert(), NOON_MS + 2 * LEASE_MS)
        assert isinstance(second, Claim)
        ledger.release(alert(), second)
        assert ledger.claim(alert(), NOON_MS + 3 * LEASE_MS) == Claim(NOON_MS + 3 * LEASE_MS, repeats_unknown=True)

    def test_what_was_sent_is_never_claimed_again(self, ledger: DeliveryLedger, clock: FakeClock) -> None:
        ledger.claim(alert(), NOON_MS + LEASE_MS)
        ledger.record_sent(alert(), "ok")
        assert ledger.claim(alert(), NOON_MS + LEASE_MS) == AlreadySent()
        clock.advance(10 * LEASE_MS)
        assert ledger.claim(alert(), NOON_MS + 11 * LEASE_MS) == AlreadySent()

    def test_a_send_is_recorded_also_by_whom_the_lease_has_left(self, ledger: DeliveryLedger, clock: FakeClock) -> None:
        ledger.claim(alert(), NOON_MS + LEASE_MS)
        clock.advance(LEASE_MS)
        ledger.claim(alert(), NOON_MS + 2 * LEASE_MS)
        ledger.record_sent(alert(), "ok")
        assert ledger.claim(alert(), NOON_MS + 3 * LEASE_MS) == AlreadySent()

    def test_nobody_gives_back_what_another_has_claimed_since(self, ledger: DeliveryLedger, clock: FakeClock) -> None:
        first = ledger.claim(alert(), NOON_MS + LEASE_MS)
        assert isinstance(first, Claim)
        clock.advance(LEASE_MS)
        ledger.claim(alert(), NOON_MS + 2 * LEASE_MS)
        ledger.release(alert(), first)
        assert ledger.claim(alert(), NOON_MS + 3 * LEASE_MS) == HeldByAnother(NOON_MS + 2 * LEASE_MS)

    def test_giving_back_what_was_never_claimed_is_no_harm(self, ledger: DeliveryLedger) -> None:
        ledger.release(alert(), Claim(NOON_MS, repeats_unknown=False))
        assert isinstance(ledger.claim(alert(), NOON_MS + LEASE_MS), Claim)

    def test_alerts_are_claimed_one_by_one(self, ledger: DeliveryLedger) -> None:
        ledger.claim(alert(unmet()), NOON_MS + LEASE_MS)
        assert isinstance(ledger.claim(alert(long_pause()), NOON_MS + LEASE_MS), Claim)
        assert isinstance(ledger.claim(alert(unmet(), recording=124), NOON_MS + LEASE_MS), Claim)
