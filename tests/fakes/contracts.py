"""What an outcome table and a delivery ledger promise: the same tests for the fakes and for the real adapters.

A module that subclasses one of these gives the fixtures `table` or `ledger`, and `clock`.
"""

from dataclasses import replace

import pytest

from domain.alerts.deliver import AlreadySent, Claim, DeliveryLedger, HeldByAnother
from domain.errors import Conflict
from domain.evaluation.outcome import OutboxAlert, Outcome, Shadow, Status, keep
from domain.lease import LEASE_MS
from domain.ports import OutcomeTable
from domain.recording import RecordingDetails
from domain.rules.violation import Severity
from domain.triggers.source import Source
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
    "with its recording's details": replace(CLEAR, details=details(language="de").kept()),
    "with details of which none is known": replace(CLEAR, details=RecordingDetails()),
    "with unjudged rules": replace(CLEAR, unjudged=("b", "a"), shadow=Shadow(unjudged=("s",))),
    "with findings in the shadow": replace(CLEAR, shadow=Shadow((("s", "goal:3"), ("s", "call")), 60, ("t",))),
    "goals not evaluated": replace(CLEAR, goals_evaluated=False),
    "not found, by UUID": NOT_FOUND,
    "analysis failed, by integer": replace(
        NOT_FOUND, recording=9_999_999_999_999_999_999, status=Status.ANALYSIS_FAILED
    ),
}


class OutcomeTableContract:
    @pytest.mark.parametrize("recording", [123, UUID])
    def test_an_outcome_that_was_never_saved_is_absent(self, table: OutcomeTable, recording: int | str) -> None:
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

    @pytest.mark.parametrize(("stored", "saved"), [(0, 4), (1, 4), (2, 4), (4, 1)])
    def test_a_save_that_does_not_follow_the_stored_revision_loses(
        self, table: OutcomeTable, stored: int, saved: int
    ) -> None:
        for revision in range(1, stored + 1):
            table.save(replace(VIOLATED, revision=revision))
        before = table.read(123)
        with pytest.raises(Conflict):
            table.save(replace(CLEAR, revision=saved))
        assert table.read(123) == before

    def test_an_advance_writes_lease_and_fetch_and_nothing_else(self, table: OutcomeTable) -> None:
        table.save(VIOLATED)
        leased = replace(VIOLATED.leased(NOON_MS + 3 * LEASE_MS), fetch_started_ms=NOON_MS + 70)
        table.advance(replace(leased, violations=(), violations_total=0, status=Status.CLEAR, alerted=frozenset()))
        assert table.read(123) == replace(leased, snapshot=None)

    def test_an_outcome_without_an_alert_can_be_advanced(self, table: OutcomeTable) -> None:
        table.save(CLEAR)
        table.advance(CLEAR.confirmed(NOON_MS + 70_000))
        assert table.read(123) == replace(CLEAR, revision=2, fetch_started_ms=NOON_MS + 70_000, snapshot=None)

    def test_of_two_advances_of_one_revision_the_second_loses(self, table: OutcomeTable) -> None:
        table.save(VIOLATED)
        table.advance(VIOLATED.leased(NOON_MS + 1))
        with pytest.raises(Conflict):
            table.advance(VIOLATED.leased(NOON_MS + 2))
        assert table.read(123) == replace(VIOLATED.leased(NOON_MS + 1), snapshot=None)

    def test_a_missing_outcome_cannot_be_advanced_or_marked(self, table: OutcomeTable) -> None:
        with pytest.raises(Conflict):
            table.advance(VIOLATED.leased(NOON_MS))
        with pytest.raises(Conflict):
            table.mark_published(VIOLATED, NOON_MS)
        assert table.read(123) is None

    def test_a_publication_is_marked_also_after_another_worker_took_the_lease(self, table: OutcomeTable) -> None:
        table.save(VIOLATED)
        table.advance(VIOLATED.leased(NOON_MS + 3 * LEASE_MS))
        marked = table.mark_published(VIOLATED, NOON_MS + 9)
        assert (marked.revision, marked.pending_alert) == (3, None)
        assert table.read(123) == replace(marked, snapshot=None)
        table.save(replace(CLEAR, revision=4))

    def test_a_publication_is_marked_once(self, table: OutcomeTable) -> None:
        table.save(VIOLATED)
        marked = table.mark_published(VIOLATED, NOON_MS + 9)
        with pytest.raises(Conflict):
            table.mark_published(VIOLATED, NOON_MS + 10)
        assert table.read(123) == replace(marked, snapshot=None)

    def test_a_publication_does_not_mark_another_alert(self, table: OutcomeTable) -> None:
        table.save(VIOLATED)
        assert VIOLATED.alert
        other = replace(VIOLATED, revision=2, alert=replace(VIOLATED.alert, alert_id="b" * 24))
        table.save(other)
        with pytest.raises(Conflict):
            table.mark_published(VIOLATED, NOON_MS + 9)
        assert table.read(123) == replace(other, snapshot=None)

    def test_an_alias_finds_the_outcome(self, table: OutcomeTable) -> None:
        table.save(CLEAR)
        table.remember_alias(UUID, 123)
        assert table.read(UUID) == replace(CLEAR, snapshot=None)

    def test_an_outcome_under_the_uuid_counts_until_one_under_the_number_exists(self, table: OutcomeTable) -> None:
        table.save(NOT_FOUND)
        table.remember_alias(UUID, 123)
        assert table.read(UUID) == replace(NOT_FOUND, snapshot=None)

    def test_an_alias_outranks_what_was_stored_under_the_uuid(self, table: OutcomeTable) -> None:
        table.save(NOT_FOUND)
        table.remember_alias(UUID, 123)
        table.remember_alias(UUID, 123)
        table.save(CLEAR)
        assert table.read(UUID) == replace(CLEAR, snapshot=None)


LEASES = [NOON_MS + count * LEASE_MS for count in range(12)]
"""`LEASES[n]` is n leases after noon."""


def claimed(ledger: DeliveryLedger, until_ms: int) -> Claim:
    claim = ledger.claim(alert(), until_ms)
    assert isinstance(claim, Claim)
    return claim


class DeliveryLedgerContract:
    def test_the_first_claim_holds_until_its_lease_ends(self, ledger: DeliveryLedger, clock: FakeClock) -> None:
        assert ledger.claim(alert(), LEASES[1]) == Claim(LEASES[1], repeats_unknown=False)
        clock.advance(LEASE_MS - 1)
        assert ledger.claim(alert(), LEASES[2]) == HeldByAnother(LEASES[1])

    def test_an_expired_claim_is_taken_over_and_its_send_is_unknown(
        self, ledger: DeliveryLedger, clock: FakeClock
    ) -> None:
        claimed(ledger, LEASES[1])
        clock.advance(LEASE_MS)
        assert ledger.claim(alert(), LEASES[2]) == Claim(LEASES[2], repeats_unknown=True)
        assert ledger.claim(alert(), LEASES[3]) == HeldByAnother(LEASES[2])

    def test_a_released_claim_can_be_taken_at_once_and_repeats_nothing(self, ledger: DeliveryLedger) -> None:
        ledger.release(alert(), claimed(ledger, LEASES[1]))
        assert ledger.claim(alert(), LEASES[1] + 1) == Claim(LEASES[1] + 1, repeats_unknown=False)

    def test_a_claim_released_until_a_time_can_be_taken_only_then(
        self, ledger: DeliveryLedger, clock: FakeClock
    ) -> None:
        ledger.release(alert(), claimed(ledger, LEASES[1]), NOON_MS + 30_000)
        assert ledger.claim(alert(), LEASES[1]) == HeldByAnother(NOON_MS + 30_000)
        clock.advance(30_000)
        assert ledger.claim(alert(), LEASES[2]) == Claim(LEASES[2], repeats_unknown=False)

    def test_an_unknown_send_stays_unknown_when_a_later_claim_is_released(
        self, ledger: DeliveryLedger, clock: FakeClock
    ) -> None:
        claimed(ledger, LEASES[1])
        clock.advance(LEASE_MS)
        ledger.release(alert(), claimed(ledger, LEASES[2]))
        assert ledger.claim(alert(), LEASES[3]) == Claim(LEASES[3], repeats_unknown=True)

    def test_a_sent_alert_is_never_claimed_again(self, ledger: DeliveryLedger, clock: FakeClock) -> None:
        claimed(ledger, LEASES[1])
        ledger.record_sent(alert(), "ok")
        assert ledger.claim(alert(), LEASES[1]) == AlreadySent()
        clock.advance(10 * LEASE_MS)
        assert ledger.claim(alert(), LEASES[11]) == AlreadySent()

    def test_a_send_is_recorded_after_the_lease_has_passed_to_another(
        self, ledger: DeliveryLedger, clock: FakeClock
    ) -> None:
        claimed(ledger, LEASES[1])
        clock.advance(LEASE_MS)
        claimed(ledger, LEASES[2])
        ledger.record_sent(alert(), "ok")
        assert ledger.claim(alert(), LEASES[3]) == AlreadySent()

    def test_a_worker_cannot_release_another_s_claim(self, ledger: DeliveryLedger, clock: FakeClock) -> None:
        first = claimed(ledger, LEASES[1])
        clock.advance(LEASE_MS)
        claimed(ledger, LEASES[2])
        ledger.release(alert(), first)
        assert ledger.claim(alert(), LEASES[3]) == HeldByAnother(LEASES[2])

    def test_each_alert_has_its_own_claim(self, ledger: DeliveryLedger) -> None:
        for each in (alert(unmet()), alert(long_pause()), alert(unmet(), recording=124)):
            assert isinstance(ledger.claim(each, LEASES[1]), Claim)
