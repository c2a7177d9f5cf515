"""The `Retry-After` header, in either of its forms (RFC 9110, 10.2.3)."""

from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Final

CLOCKS_DIFFER_MS: Final = 500
"""Added to what the server says: the next to ask may be a worker whose clock is ahead of this one's."""
_LONGEST_MS: Final = 24 * 3_600_000


def retry_at_ms(headers: Mapping[str, str], now_ms: int) -> int | None:
    """When the server allows another attempt, epoch ms, by the clock of any worker; `None` where it says nothing
    readable. A day at most."""
    value = next((value for name, value in headers.items() if name.lower() == "retry-after"), "").strip()
    if value.isascii() and value.isdecimal():
        return now_ms + min(int(value[:9]) * 1000, _LONGEST_MS) + CLOCKS_DIFFER_MS
    try:
        moment = parsedate_to_datetime(value)
        at_ms = int(moment.replace(tzinfo=moment.tzinfo or UTC).timestamp() * 1000)
    except (ValueError, OverflowError):
        return None
    return min(max(at_ms, now_ms), now_ms + _LONGEST_MS) + CLOCKS_DIFFER_MS
