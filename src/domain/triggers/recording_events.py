"""Reads every form of the event "this recording has been analysed" into one.

    {"recording_id": 123}                                                   ours, bare; may name its "source"
    {"source": "identitycall", "detail-type": "Recording Analyzed",
     "detail": {"recording_id": 123}, "time": …}                            EventBridge
    {"event" or "type": …, "data": {"recording_id" | "id" | "public_id"}}   a webhook's
    {"Type": "Notification", "Message": "<any of these>"}                   SNS

Nothing else of an event is used, and no value of it becomes a host or a path before `parse_recording_id` has read it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pydantic_core import from_json

from domain import wording
from domain.errors import Refused
from domain.recording import InvalidRecordingId, RecordingId, parse_recording_id
from domain.triggers.source import Source

EVENT_SOURCE: Final = "identitycall"
DETAIL_TYPE: Final = "Recording Analyzed"
_SOURCES: Final = {source.value: source for source in Source}
_WEBHOOK_IDS: Final = ("recording_id", "id", "public_id")


class MalformedEvent(Refused):
    """The event names no recording. `word` is `malformed_event`. The sender must correct it."""

    def __init__(self, message: str) -> None:
        super().__init__("malformed_event", f"The event cannot be read: {message}.")


@dataclass(frozen=True, slots=True)
class Announcement:
    """A recording and the trigger that named it. `sent_ms`: EventBridge's own `time`, where there is one."""

    recording: RecordingId
    source: Source
    sent_ms: int | None = None


def read_text(body: str) -> Announcement:
    """Read a message's body. Raises `MalformedEvent`."""
    return read(_json(body, "the body"))


def read(event: object) -> Announcement:
    """Read a parsed event. Raises `MalformedEvent`."""
    match event:
        case {"Type": "Notification", "Message": str(message)}:
            return _inside_sns(_json(message, "the SNS message"))
        case _:
            return _inside_sns(event)


def _inside_sns(event: object) -> Announcement:
    match event:
        case {"detail-type": detail_type, "source": source, "detail": detail, **rest}:
            if (source, detail_type) != (EVENT_SOURCE, DETAIL_TYPE):
                raise MalformedEvent(f'an EventBridge event must be "{DETAIL_TYPE}" from "{EVENT_SOURCE}"')
            if not isinstance(detail, Mapping):
                raise MalformedEvent("its detail is not an object")
            return Announcement(_id(detail, ("recording_id",)), Source.EVENTBRIDGE, _time(rest.get("time")))
        case {"event": str(), "data": Mapping() as data} | {"type": str(), "data": Mapping() as data}:
            return Announcement(_id(data, _WEBHOOK_IDS), Source.WEBHOOK)
        case Mapping():
            return Announcement(_id(event, ("recording_id",)), _source(event.get("source")))
        case _:
            raise MalformedEvent("it is not a JSON object")


def _id(container: Mapping[str, object], names: tuple[str, ...]) -> RecordingId:
    name = next((name for name in names if container.get(name) is not None), None)
    if name is None:
        raise MalformedEvent(f"it has no {wording.listed(names).replace(' and ', ' or ')}")
    try:
        return parse_recording_id(container[name])
    except InvalidRecordingId as error:
        raise MalformedEvent(f"{name}: {error}") from None


def _source(named: object) -> Source:
    """Only our own senders may name their source."""
    return _SOURCES.get(named, Source.QUEUE) if isinstance(named, str) else Source.QUEUE


def _time(sent_at: object) -> int | None:
    moment = wording.parse_moment(str(sent_at))
    return int(moment.timestamp() * 1000) if moment else None


def _json(text: str, what: str) -> object:
    try:
        return from_json(text)
    except ValueError:
        raise MalformedEvent(f"{what} is not JSON") from None
