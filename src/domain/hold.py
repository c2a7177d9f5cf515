"""A refusal that concerns every worker holds every worker's requests."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Protocol

from domain.errors import KeyMissing, KeyRefused, Throttled
from domain.ports import Clock

_HOLD_MS: Final = 60_000
"""For a missing or refused key, and for a 429 without `Retry-After`."""


class HoldsRequests(Protocol):
    def hold(self, until_ms: int) -> None:
        """Grant no request to any worker before then (epoch)."""


@contextmanager
def hold_on_refusal(budget: HoldsRequests, now_ms: Clock) -> Iterator[None]:
    """Send one request inside. A 429 or a refused key holds the budget, then passes on.

    It passes on even if the hold could not be stored: the event must wait as the vendor asked.
    """
    try:
        yield
    except (Throttled, KeyRefused, KeyMissing) as refusal:
        try:
            budget.hold(refusal.retry_at_ms or now_ms() + _HOLD_MS)
        except Exception as error:
            raise refusal from error
        raise
