"""Spans of time as operators write them: `30d`, `12h`, `2026-11-01`, `2026-11-01T08:00:00+01:00`."""

from __future__ import annotations

import re
from typing import Final

from cli.errors import CommandError
from domain.backtest.period import Period
from domain.wording import epoch_ms, iso

_AGO: Final = re.compile(r"([1-9][0-9]{0,4})([hdw])")
_UNIT_MS: Final = {"h": 3_600_000, "d": 86_400_000, "w": 7 * 86_400_000}
_LONGEST_MS: Final = 3_660 * 86_400_000
_FORMS: Final = "30d, 12h or 2w before now, or a time such as 2026-11-01 or 2026-11-01T08:00:00Z"
DEFAULT: Final = "30d"


def period(since: str | None, from_: str | None, to: str | None, now_ms: int) -> Period:
    """The period of `--since`, or of `--from` and `--to`. Raises `CommandError`."""
    if since and (from_ or to):
        raise CommandError("--since reaches to now. Give either it, or --from and --to.")
    name, start = ("--from", from_) if from_ else ("--since", since or DEFAULT)
    from_ms = _moment(name, start, now_ms)
    to_ms = _moment("--to", to, now_ms) if to else now_ms
    if from_ms >= to_ms:
        raise CommandError(f"The period would begin at {iso(from_ms)} and end at {iso(to_ms)}: nothing lies between.")
    if to_ms - from_ms > _LONGEST_MS:
        raise CommandError(f"{start} is too long ago: a period has ten years at most.")
    return Period(from_ms, to_ms)


def _moment(option: str, text: str, now_ms: int) -> int:
    if ago := _AGO.fullmatch(text.strip().lower()):
        return now_ms - int(ago[1]) * _UNIT_MS[ago[2]]
    try:
        return _utc_ms(text.strip())
    except (ValueError, OverflowError):
        raise CommandError(f"{option} {text} is no time. Write {_FORMS}.") from None


def _utc_ms(text: str) -> int:
    """A time without a zone is UTC."""
    dated = f"{text}T00:00:00" if len(text) == len("2026-11-01") else text
    zoned = dated if re.search(r"(Z|[+-]\d\d:?\d\d)$", dated) else f"{dated}Z"
    found = epoch_ms(zoned)
    if found < 0:
        raise ValueError
    return found
