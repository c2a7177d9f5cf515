"""Which webhook events say that a recording is ready to be judged.

The vendor does not document its webhooks, so the rule goes by words and not by a list of names. An event is ours when

    its type says that something is done       analysed, completed, processed, finished, evaluated, ready, …
    and it is about a recording                the type says recording, call, analysis or results,
                                               or the event has a field named `recording_id`

    recording.analyzed   RecordingCompleted   call_processed   analysis.completed                         ours
    transcription.completed                           with a `recording_id`; without one it is not         ours
    ping   recording.created   recording.deleted   recording.analysis_failed   project.completed           not ours

An event without a type is ours: it was made for us. In doubt an event is taken, because a recording that is not
analysed yet is only deferred, while one ignored here is left to discovery.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final

TYPE_FIELDS: Final = ("event", "type", "detail-type")
"""Where senders put an event's type; the last is EventBridge's."""

_DONE: Final = frozenset(
    (
        "analysed",
        "analyzed",
        "complete",
        "completed",
        "done",
        "evaluated",
        "finished",
        "processed",
        "ready",
        "succeeded",
    )
)
_SUBJECTS: Final = frozenset(("recording", "recordings", "call", "calls", "analysis", "result", "results"))
_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
"""A word of `recording.analysis_completed`, `RecordingAnalyzed` or `RECORDING_READY`."""


def event_types(event: object) -> list[str]:
    """The types an event names; none where it names none."""
    if not isinstance(event, Mapping):
        return []
    return [value for field in TYPE_FIELDS if isinstance(value := event.get(field), str)]


def tells_of_an_analysed_recording(event: object) -> bool:
    """Whether an event is ours, by the rule above. A value that is no object has no type and counts as ours."""
    types = event_types(event)
    names_a_recording = any("recording_id" in part for part in _parts(event))
    return not types or any(
        _says_done(words) and (names_a_recording or _says_what(words)) for words in map(_words, types)
    )


def _parts(event: object) -> Iterable[Mapping[str, object]]:
    """The event and what lies in its envelope."""
    if isinstance(event, Mapping):
        yield event
        yield from (part for name in ("data", "detail") if isinstance(part := event.get(name), Mapping))


def _words(event_type: str) -> frozenset[str]:
    return frozenset(word.lower() for word in _WORD.findall(event_type))


def _says_done(words: frozenset[str]) -> bool:
    return not words.isdisjoint(_DONE)


def _says_what(words: frozenset[str]) -> bool:
    return not words.isdisjoint(_SUBJECTS)
