"""What discovery's memory promises: the same tests for the fake and for the real adapter.

A module that subclasses it gives the fixtures `memory` and `judge`, which stores an outcome.
"""

from collections.abc import Callable
from dataclasses import replace

import pytest

from domain.discovery.decision import Judged
from domain.discovery.mark import Mark, Marked
from domain.discovery.ports import DiscoveryMemory
from domain.discovery.recording_list import Order
from domain.discovery.spans import Span
from domain.discovery.state import DiscoveryState
from domain.errors import Conflict
from domain.recording import RecordingId
from domain.triggers.source import Source
from tests.fakes.clock import NOON_MS, FakeClock
from tests.fakes.make import UUID

Judge = Callable[[RecordingId, Source], None]

STATES = {
    "first start": DiscoveryState(started_ms=NOON_MS),
    "everything": DiscoveryState(
        started_ms=NOON_MS,
        order=Order.OLDEST_FIRST,
        last_page=1_000,
        looked_ms=NOON_MS - 1,
        spans=(
            Span(from_ms=NOON_MS - 5, to_ms=NOON_MS - 3, due_ms=NOON_MS, older_pages=7),
            Span(from_ms=NOON_MS - 9, to_ms=NOON_MS - 7, due_ms=NOON_MS),
        ),
        other_trigger_ms=NOON_MS - 9,
        not_before_ms=NOON_MS + 9,
    ),
}


class DiscoveryMemoryContract:
    def test_at_first_there_is_no_state(self, memory: DiscoveryMemory) -> None:
        assert memory.state() is None

    @pytest.mark.parametrize("state", STATES.values(), ids=STATES)
    def test_a_state_is_read_as_it_was_saved(self, memory: DiscoveryMemory, state: DiscoveryState) -> None:
        memory.save(state)
        assert memory.state() == state
        memory.save(replace(state, revision=2, spans=()))
        assert memory.state() == replace(state, revision=2, spans=())

    @pytest.mark.parametrize("stored", [0, 1, 2, 4])
    def test_a_save_loses_unless_it_follows_the_stored_revision(self, memory: DiscoveryMemory, stored: int) -> None:
        for revision in range(1, stored + 1):
            memory.save(replace(STATES["everything"], revision=revision))
        before = memory.state()
        with pytest.raises(Conflict):
            memory.save(replace(STATES["first start"], revision=4 if stored != 4 else 1))
        assert memory.state() == before

    def test_unknown_recordings_are_left_out(self, memory: DiscoveryMemory) -> None:
        assert memory.look_up([1, 2, UUID]) == {}
        assert memory.look_up([]) == {}

    def test_marks_are_found_with_their_time_and_replaced_by_later_ones(
        self, memory: DiscoveryMemory, clock: FakeClock
    ) -> None:
        memory.mark([1, UUID], Mark.SEEN)
        clock.advance(5_000)
        memory.mark([1, 2], Mark.SENT)
        assert memory.look_up([1, 2, 3, UUID]) == {
            1: Marked(Mark.SENT, NOON_MS + 5_000),
            2: Marked(Mark.SENT, NOON_MS + 5_000),
            UUID: Marked(Mark.SEEN, NOON_MS),
        }

    def test_an_empty_list_of_marks_changes_nothing(self, memory: DiscoveryMemory) -> None:
        memory.mark([], Mark.SENT)
        assert memory.look_up([1]) == {}

    @pytest.mark.parametrize("source", Source)
    def test_an_outcome_tells_who_brought_it_and_when_whatever_mark_there_is(
        self, memory: DiscoveryMemory, judge: Judge, source: Source
    ) -> None:
        memory.mark([123], Mark.SENT)
        judge(123, source)
        assert memory.look_up([123, 124]) == {123: Judged(source, NOON_MS)}

    def test_a_whole_page_and_more_is_looked_up_and_marked(self, memory: DiscoveryMemory, judge: Judge) -> None:
        memory.mark(range(1, 131), Mark.SENT)
        judge(131, Source.WEBHOOK)
        found = memory.look_up(range(1, 141))
        assert found == {n: Marked(Mark.SENT, NOON_MS) for n in range(1, 131)} | {131: Judged(Source.WEBHOOK, NOON_MS)}
