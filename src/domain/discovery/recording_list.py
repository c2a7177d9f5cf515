"""The vendor's list of recordings, page by page, as `GET /recordings` gives it.

Only an item's id, status and time of creation are read. An item without an id is counted and left out, so that the
others are judged.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from domain import wording
from domain.errors import Unusable
from domain.recording import InvalidRecordingId, RecordingId, parse_recording_id

COMPLETED = "completed"


class Order(StrEnum):
    """Which end of the list is new. The vendor does not say."""

    NEWEST_FIRST = "newest_first"
    OLDEST_FIRST = "oldest_first"


@dataclass(frozen=True, slots=True)
class ListedRecording:
    """`created_ms` (epoch) is `None` where the list gives no readable time.

    A recording can be completed 20 minutes after its creation, and is listed only then.
    """

    recording: RecordingId
    created_ms: int | None
    completed: bool = True


@dataclass(frozen=True, slots=True)
class RecordingPage:
    """Page `number` of `total_pages`, as many as there were when it was read.

    `malformed`: items without an id. `total_count`: recordings in the whole list, 0 if the list does not tell.
    """

    number: int
    total_pages: int
    recordings: tuple[ListedRecording, ...] = ()
    malformed: int = 0
    total_count: int = 0

    @property
    def times_ms(self) -> list[int]:
        """The times of creation, as listed."""
        return [listed.created_ms for listed in self.recordings if listed.created_ms is not None]

    @property
    def newest_ms(self) -> int:
        return max(self.times_ms, default=0)

    @property
    def order(self) -> Order | None:
        """How the page is sorted, if it shows."""
        times_ms = self.times_ms
        if not times_ms or times_ms[0] == times_ms[-1]:
            return None
        return Order.OLDEST_FIRST if times_ms[0] < times_ms[-1] else Order.NEWEST_FIRST


def read_page(body: object, number: int) -> RecordingPage:
    """Raises `Unusable` where the body is no page of the list, or holds several items and none with id and time."""
    match body:
        case {"data": list(items), "meta": {"total_pages": int(total_pages)} as meta} if total_pages >= 0:
            read = [_read_item(item) for item in items]
        case _:
            raise Unusable('The list of recordings has the wrong shape: it needs "data" and "meta.total_pages".')
    listed = tuple(item for item in read if item)
    if len(items) > 1 and all(item.created_ms is None for item in listed):
        # Without any time the walk would not know where to end, and would announce the whole past.
        raise Unusable(f"None of the {len(items)} items on page {number} of the list of recordings can be read.")
    count = meta.get("total_count")
    malformed = len(items) - len(listed)
    return RecordingPage(number, total_pages, listed, malformed, count if isinstance(count, int) else 0)


def _read_item(item: object) -> ListedRecording | None:
    """The recording, or `None` for an item without an id."""
    if not isinstance(item, Mapping):
        return None
    try:
        recording = parse_recording_id(item.get("id"))
    except InvalidRecordingId:
        return None
    created = item.get("created_at")
    moment = wording.parse_moment(created) if isinstance(created, str) else None
    # The request filters by status. Should the API ignore that, unfinished recordings wait for a later run.
    completed = item.get("status", COMPLETED) == COMPLETED
    return ListedRecording(recording, int(moment.timestamp() * 1000) if moment else None, completed)
