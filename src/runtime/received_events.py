"""Events as the evaluation entrance receives them: messages of the event queue, or one direct invocation."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from domain.evaluation.event import RecordingEvent
from domain.recording import RecordingId
from domain.retry import DeadLettered, History
from domain.triggers.recording_events import MalformedEvent, read, read_text
from domain.triggers.source import Source
from runtime.batch import Group
from runtime.messages import Message

Content = RecordingEvent | DeadLettered
"""What a message or an invocation holds: an event, or why it is none."""


def read_invocation(event: object, now_ms: int) -> Content:
    """Read an event that was not queued. Its wait starts now; its own `time` says what results it is about."""
    try:
        announced = read(event)
    except MalformedEvent as error:
        return DeadLettered(error.word, str(error))
    happened_ms = min(announced.sent_ms, now_ms) if announced.sent_ms is not None else None
    history = History(first_sent_ms=now_ms, copied_ms=now_ms)
    return RecordingEvent(announced.recording, announced.source, history, happened_ms)


def by_recording(messages: Sequence[Message]) -> list[Group[Content]]:
    """A group for each recording, and one for each malformed message.

    An event whose results were fetched but not saved is a group of its own: only another request answers it.
    """
    events: dict[RecordingId, list[tuple[Message, RecordingEvent]]] = defaultdict(list)
    groups: list[Group[Content]] = []
    for message in messages:
        try:
            announced = read_text(message.body)
        except MalformedEvent as error:
            groups.append(Group([message], DeadLettered(error.word, str(error))))
        else:
            event = RecordingEvent(announced.recording, announced.source, message.history)
            if message.history.outrun:
                groups.append(Group([message], event))
            else:
                events[announced.recording].append((message, event))
    return groups + [_newest_first(received) for received in events.values()]


def _newest_first(received: Sequence[tuple[Message, RecordingEvent]]) -> Group[Content]:
    """The newest event is evaluated and answers the older ones. Another trigger's source replaces discovery's."""
    ordered = sorted(received, key=lambda each: each[1].history.first_sent_ms, reverse=True)
    newest = ordered[0][1]
    sources = [event.source for _, event in received if event.source is not Source.DISCOVERY]
    return Group([message for message, _ in ordered], replace(newest, source=sources[0]) if sources else newest)
