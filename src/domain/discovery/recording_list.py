"""The vendor's list of recordings, page by page, as `GET /recordings` gives it.

Of an item only the id and the time of creation are read. One that has not both is set aside, so that it does not keep
the others from being judged.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from domain import wording
from domain.errors import Unusable
from domain.recording import InvalidRecordingId, RecordingId, parse_recording_id

COMPLETED = "completed"


@dataclass(frozen=True, slots=True)
class ListedRecording:
    """`created_ms`, epoch: when it was created. It can be completed 20 minutes later, and is listed only then."""

    recording: RecordingId
    created_ms: int
    completed: bool = True


@dataclass(frozen=True, slots=True)
class RecordingPage:
    """Page `number` of `total_pages`, as many as there were when it was read.

    `malformed` are the items that could not be read, each by its id where it has one.
    """

    number: int
    total_pages: int
    recordings: tuple[ListedRecording, ...] = ()
    malformed: tuple[RecordingId | None, ...] = ()

    @property
    def newest_ms(self) -> int:
        return max((listed.created_ms for listed in self.recordings), default=0)


def read_page(body: object, number: int) -> RecordingPage:
    """Raises `Unusable` where the body is no page of the list, or several items of it and none can be read."""
    match body:
        case {"data": list(items), "meta": {"total_pages": int(total_pages)}} if total_pages >= 0:
            read = [_read_item(item) for item in items]
        case _:
            raise Unusable('The list of recordings has the wrong shape: it needs "data" and "meta.total_pages".')
    page = RecordingPage(
        number,
        total_pages,
        recordings=tuple(item for item in read if isinstance(item, ListedRecording)),
        malformed=tuple(item for item in read if not isinstance(item, ListedRecording)),
    )
    if len(page.malformed) > 1 and not page.recordings:
        raise Unusable(f"None of the {len(items)} items on page {number} of the list of recordings can be read.")
    return page


def _read_item(item: object) -> ListedRecording | RecordingId | None:
    """The recording; of an item that is not complete its id, if that can be read."""
    if not isinstance(item, Mapping):
        return None
    try:
        recording = parse_recording_id(item.get("id"))
    except InvalidRecordingId:
        return None
    created = item.get("created_at")
    moment = wording.parse_moment(created) if isinstance(created, str) else None
    if moment is None:
        return recording
    # Asked for with a filter; should the API ever disregard it, what is not analysed yet waits for a later run.
    completed = item.get("status", COMPLETED) == COMPLETED
    return ListedRecording(recording, int(moment.timestamp() * 1000), completed)
