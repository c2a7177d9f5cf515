"""Which webhook events may announce results to judge.

The vendor does not document its webhooks, so the words of an event's type decide. An unclear event is accepted, because
a recording that is not analysed yet is only deferred. An event is ours if both hold:

- It is about a recording. Its type says recording, call, analysis or results, or it has a field named `recording_id`.
- It reports no other step: no created, deleted, started or failed. A type that also says done or completed is ours.

    recording.analyzed   RecordingReanalysed   recording.updated   call_processed   analysis.completed      ours
    transcription.completed                           with a `recording_id`; without one it is not         ours
    ping   recording.created   recording.deleted   recording.analysis_failed   project.completed           not ours

An event without a type is ours: its sender wrote it for this webhook.
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
_OTHER_NEWS: Final = frozenset(
    (
        *("created", "added", "uploaded", "queued", "pending", "started", "processing", "progress"),
        *("failed", "failure", "error", "cancelled", "canceled", "aborted"),
        *("deleted", "removed", "destroyed", "archived", "expired", "restored", "moved", "shared", "viewed"),
        *("ping", "test", "verification"),
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


def may_announce_results(event: object) -> bool:
    """Whether an event is ours, by the rule above. A value that is no object has no type and counts as ours."""
    types = event_types(event)
    names_a_recording = any("recording_id" in part for part in _parts(event))
    return not types or any(
        (names_a_recording or words & _SUBJECTS) and (words & _DONE or not words & _OTHER_NEWS)
        for words in map(_words, types)
    )


def _parts(event: object) -> Iterable[Mapping[str, object]]:
    """The event and what lies in its envelope."""
    if isinstance(event, Mapping):
        yield event
        yield from (part for name in ("data", "detail") if isinstance(part := event.get(name), Mapping))


def _words(event_type: str) -> frozenset[str]:
    return frozenset(word.lower() for word in _WORD.findall(event_type))
