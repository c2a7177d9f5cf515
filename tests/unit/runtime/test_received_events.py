"""Which messages of a batch one evaluation answers."""

import json

from domain.evaluation.event import RecordingEvent
from domain.retry import DeadLettered, History
from domain.triggers.source import Source
from runtime.messages import Message
from runtime.received_events import by_recording
from tests.fakes.clock import NOON_MS


def message(number: int, body: object, sent_ms: int = NOON_MS, outrun: str = "") -> Message:
    history = History(first_sent_ms=sent_ms, copied_ms=sent_ms, outrun=outrun)
    return Message(f"message-{number}", f"handle-{number}", json.dumps(body), history)


def grouped(*messages: Message) -> list[list[str]]:
    return [[each.message_id[-1] for each in group.messages] for group in by_recording(messages)]


def test_the_newest_event_answers_the_older_ones_of_its_recording() -> None:
    older, newer = message(1, {"recording_id": 123}), message(2, {"recording_id": 123}, NOON_MS + 5)
    [group] = by_recording([older, newer])
    assert group.messages == [newer, older]
    assert group.content == RecordingEvent(123, Source.QUEUE, newer.history)


def test_each_recording_and_each_malformed_message_is_a_group() -> None:
    messages = [message(1, {"recording_id": 1}), message(2, {}), message(3, {"recording_id": 2}), message(4, [])]
    assert sorted(grouped(*messages)) == [["1"], ["2"], ["3"], ["4"]]
    assert sum(isinstance(group.content, DeadLettered) for group in by_recording(messages)) == 2


def test_another_triggers_source_replaces_discoverys() -> None:
    newest = message(1, {"recording_id": 123, "source": "discovery"}, NOON_MS + 5)
    [group] = by_recording([newest, message(2, {"recording_id": 123, "source": "webhook"})])
    assert isinstance(group.content, RecordingEvent)
    assert group.content.source is Source.WEBHOOK


def test_no_other_event_answers_one_whose_results_were_fetched_but_not_saved() -> None:
    """The newer event can be older than the stored outcome, and would acknowledge newer results unseen."""
    outrun = message(1, {"recording_id": 123}, outrun="a digest")
    assert sorted(grouped(outrun, message(2, {"recording_id": 123}, NOON_MS + 5))) == [["1"], ["2"]]
