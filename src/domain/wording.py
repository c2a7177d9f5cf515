"""Amounts and foreign text as people see them: `7.0 s`, `1:35`, `0.30`. A cut text says how much is missing."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

_NOT_PRINTABLE: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufffe\uffff]+")


def clean(text: str) -> str:
    """One line without control characters, line breaks or direction overrides, which could disguise its meaning."""
    return " ".join(_NOT_PRINTABLE.sub(" ", text).split())


def cut(text: str, limit: int) -> str:
    """At most `limit` characters. A cut text says how much is missing: `The agent did no… (+212 characters)`."""
    if len(text) <= limit:
        return text
    # The note's own length depends on the number in it: reserve for the longest that can occur.
    kept = max(0, limit - len(f"… (+{len(text)} characters)"))
    return f"{text[:kept]}… (+{len(text) - kept} characters)"


def duration(ms: int) -> str:
    """Seconds, exact where a rounded figure would hide a difference: `7.0 s`, `5.001 s`, `2 min 5.0 s`."""
    minutes, rest = divmod(ms, 60_000)
    seconds, thousandths = divmod(rest, 1000)
    decimals = f"{thousandths:03d}".rstrip("0") or "0"
    shown = f"{seconds}.{decimals} s"
    return f"{minutes} min {shown}" if minutes else shown


def length(ms: int) -> str:
    """How long a recording is, to the second: `4 min 22 s`."""
    minutes, seconds = divmod(round(ms / 1000), 60)
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"


def position(ms: int) -> str:
    """A place in the recording: `1:35`, or `1:02:03` past the hour."""
    minutes, seconds = divmod(max(ms, 0) // 1000, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"


def parse_moment(iso: str) -> datetime | None:
    """An ISO 8601 time with its zone; `None` for anything else."""
    try:
        moment = datetime.fromisoformat(iso)
        return moment.astimezone(UTC) if moment.tzinfo else None
    except (ValueError, OverflowError):
        return None


def moment_or(text: str, default_ms: int) -> str:
    """The time in a text as `iso` writes it; that of `default_ms` where the text is no time with a zone."""
    parsed = parse_moment(text)
    return iso(round(parsed.timestamp() * 1000) if parsed else default_ms)


def moment(iso: str) -> str:
    """`2026-11-22 09:15 UTC`; a text that is no time with a zone is shown as it came."""
    parsed = parse_moment(iso)
    return f"{parsed:%Y-%m-%d %H:%M} UTC" if parsed else iso


def iso(epoch_ms: int) -> str:
    """Epoch milliseconds as ISO 8601 UTC: `2026-11-22T09:15:00.123Z`."""
    seconds, ms = divmod(epoch_ms, 1000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{ms:03d}Z"


def epoch_ms(iso: str) -> int:
    """The epoch milliseconds of an ISO 8601 time as `iso` writes it."""
    return round(datetime.fromisoformat(iso).timestamp() * 1000)


def score(value: float) -> str:
    """The vendor's confidence between 0 and 1, two decimals."""
    return f"{value:.2f}"


def share(value: float) -> str:
    """A share between 0 and 1 as a percentage: `25%`, `12.5%`."""
    return f"{100 * value:.10g}%"


def counted(number: int, one: str, many: str) -> str:
    """`1 goal`, `3 goals`."""
    return f"{number} {one if number == 1 else many}"


def listed(parts: Iterable[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    *head, last = parts
    return f"{', '.join(head)} and {last}" if head else last
