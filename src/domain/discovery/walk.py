"""The walk through the pages of the vendor's list, from the newest recordings to the oldest that a run must look at.

The list is sorted by time, but the vendor does not say which end is new. Pages shift while the walk goes on:

- A recording is added: the ones behind it move to later pages. The walk meets some of them twice, which does no harm.
- A recording is removed: the ones behind it move to earlier pages. A walk by page number would skip some of them. So a
  page counts only if it directly follows the page before, or reaches up to the time where the walk was. Otherwise the
  walk steps back. A walk that goes on in a later run reads the page where it stopped again.

Two shifts do not show: one recording leaves while an older one joins, or one joins in the middle of a list that has the
oldest first. The next look at the whole lookback finds what was passed over.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final

from domain.discovery.recording_list import ListedRecording, Order, RecordingPage
from domain.discovery.spans import Spans, walked_to
from domain.errors import Unusable

OVERLAP_MS: Final = 60_000
"""How far the vendor's clock may differ from ours, and how far the list may be out of order."""


class PageWalk:
    """One walk. `spans`, `order` and `last_page` tell at any time where it is."""

    def __init__(
        self, fetch: Callable[[int], RecordingPage], spans: Spans, order: Order | None, last_page: int
    ) -> None:
        self.spans = spans
        self.order = order
        self.last_page = last_page
        self._fetch = fetch
        self._read_before: RecordingPage | None = None

    def pages(self) -> Iterator[RecordingPage]:
        """Each page that the spans lie on. A page counts as looked at when the next one is asked for."""
        page = self._newest_page()
        reached = True
        while True:
            older = self._pages_older_than(page)
            if reached:
                yield page
                self._look_past(page)
                if not self.spans:
                    return
                following = self._with(min(older - 1, self._hint(older)))
            else:
                following = self._with(older + 1)
            reached = (reached and _follows(page, following)) or self._reaches(following)
            page = following

    def wants(self, listed: ListedRecording) -> bool:
        """Whether a span contains the recording. Recordings may be listed out of order by `OVERLAP_MS`."""
        created_ms = listed.created_ms
        if created_ms is None:
            return True
        return any(span.from_ms <= created_ms <= span.to_ms + OVERLAP_MS for span in self.spans)

    def _newest_page(self) -> RecordingPage:
        """Both ends are compared once, and again if the page is sorted the other way: the order may be reversed.

        A page that does not show its order is taken to have the known one. If requests are few, comparing the ends at
        each run would leave none for the page where an earlier run stopped.
        """
        page = self._newest_from(self._with(self.last_page - 1))
        if page.total_pages > 1 and (self.order is None or page.order not in {None, self.order}):
            other = self._other_end(page)
            while other.total_count != page.total_count:  # The list has moved between the two reads.
                page, other = other, self._other_end(other)
            if other.total_pages > 1:  # A list that has shrunk to one page has both ends there, or is empty.
                self.order = self._order_of(page, other)
            self.last_page = max(1, other.total_pages)
            page = self._newest_from(max(page, other, key=self._pages_older_than))
        return page

    def _newest_from(self, page: RecordingPage) -> RecordingPage:
        """That page, or the newest one if the list has become longer or shorter."""
        while self._pages_older_than(page) != self.last_page - 1:
            page, before = self._with(self.last_page - 1), page
            if page.total_count == before.total_count > 0:
                self._read_before = before  # Nothing moved since then, so it need not be read again.
        return page

    def _other_end(self, page: RecordingPage) -> RecordingPage:
        return self._fetch(max(1, page.total_pages) if page.number == 1 else 1)

    def _order_of(self, page: RecordingPage, other: RecordingPage) -> Order:
        """How the list is sorted, by the pages at its two ends. One of them may show no time."""
        if page.times_ms and other.times_ms:
            newest = max(page, other, key=lambda each: each.newest_ms)
            return Order.NEWEST_FIRST if newest.number == 1 else Order.OLDEST_FIRST
        if order := page.order or other.order or self.order:
            return order
        raise Unusable("An end of the list of recordings shows no time, so its order is unknown.")

    def _with(self, older: int) -> RecordingPage:
        """The page with so many older ones behind it."""
        older = max(0, min(older, self.last_page - 1))
        number = older + 1 if self.order is Order.OLDEST_FIRST else self.last_page - older
        page, self._read_before = self._read_before, None
        if page is None or page.number != number:
            page = self._fetch(number)
        if number > 1 and not page.total_pages:
            page = self._fetch(1)  # It was beyond the end. The first page tells where the end is.
        self.last_page = max(1, page.total_pages)
        return page

    def _pages_older_than(self, page: RecordingPage) -> int:
        return page.number - 1 if self.order is Order.OLDEST_FIRST else self.last_page - page.number

    def _reaches(self, page: RecordingPage) -> bool:
        is_newest = self._pages_older_than(page) >= self.last_page - 1
        return is_newest or page.newest_ms >= self.spans[0].to_ms

    def _look_past(self, page: RecordingPage) -> None:
        older = self._pages_older_than(page)
        if older <= 0:
            self.spans = ()
        elif times_ms := page.times_ms:
            self.spans = walked_to(self.spans, times_ms[0 if self.order is Order.OLDEST_FIRST else -1])
        if self.spans:
            self.spans = (replace(self.spans[0], older_pages=min(older, self._hint(older))), *self.spans[1:])

    def _hint(self, otherwise: int) -> int:
        """Where an earlier run left the span."""
        older = self.spans[0].older_pages
        return otherwise if older is None else older


def _follows(before: RecordingPage, page: RecordingPage) -> bool:
    """Whether no recording can be between the pages. One can have moved up if the list became shorter."""
    return abs(page.number - before.number) == 1 and page.total_count >= before.total_count
