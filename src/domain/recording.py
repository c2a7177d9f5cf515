"""A recording as the vendor describes it: its two kinds of id, its analysis results, its details.

Shapes follow the vendor's page "Get Results" and `GET /recordings/:id`. Only what the rules read is required and
strictly typed; unknown fields are let through, so that a newer API does not stop the judging.
"""

import re
from typing import Annotated, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

RecordingId = int | str
"""An `int` is the canonical id; a `str` is a lower-cased UUID, the other name the vendor gives the same recording."""

_INTEGER: Final = re.compile(r"[1-9][0-9]{0,18}")
_UUID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")

_LONGEST: Final = 36
_ID_LIKE: Final = re.compile(r"[0-9A-Fa-f./_+-]{1,40}|True|False|inf")

_LONGEST_NAME: Final = 1_000

MAX_FINDINGS: Final = 20_000
"""Goals and pauses of one body, and violations of one recording, beyond which it is no real call."""


_Integer = Annotated[int, Field(ge=-(2**63), lt=2**63)]


class InvalidRecordingId(ValueError):
    """The value is neither a positive integer of up to 19 digits nor a UUID."""


def parse_recording_id(value: object) -> RecordingId:
    """Read an id as senders write it: a JSON integer, its digits as text, or a UUID in any case.

    Raises `InvalidRecordingId`, which never repeats the value at length.
    """
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if isinstance(text, str) and len(text) <= _LONGEST:
        if _INTEGER.fullmatch(text):
            return int(text)
        if _UUID.fullmatch(text.lower()):
            return text.lower()
    raise InvalidRecordingId(
        f"{_shown(value)} is not a recording id: expected a positive integer of up to 19 digits, or a UUID"
    )


def _shown(value: object) -> str:
    """What looks like a mistaken id, as it came; of anything else only what kind it is, since it could be anything."""
    if isinstance(value, int | float | str) and _ID_LIKE.fullmatch(str(value)):
        return f"'{value}'"
    return f"a text of {len(value)} characters" if isinstance(value, str) else f"a value of type {type(value).__name__}"


class _FromVendor(BaseModel):
    """Strict types; unknown fields ignored; errors never show the input, which can hold what people said."""

    model_config = ConfigDict(strict=True, frozen=True, extra="ignore", allow_inf_nan=False, hide_input_in_errors=True)


class Goal(_FromVendor):
    """A goal the call should meet. `score` is the vendor's confidence, 0 to 1."""

    goal_id: _Integer
    goal_name: str
    met: bool
    score: float
    explanation: str | None = None


class Pause(_FromVendor):
    """A silence. `compliant` is the vendor's verdict by the compliance rules of the project."""

    start_ms: _Integer
    end_ms: _Integer
    duration_ms: _Integer
    compliant: bool
    after_dialogue_id: _Integer | None = None


class Keyword(_FromVendor):
    """A keyword that was said `count` times, with this `sentiment` (`positive`, `neutral`, `negative`).

    `timestamps_ms` are places in the recording, perhaps fewer than `count`.
    """

    # Built with the first rule that reads keywords.
    model_config = ConfigDict(defer_build=True)

    keyword_id: _Integer
    keyword_name: str
    sentiment: str
    count: _Integer
    timestamps_ms: Annotated[tuple[_Integer, ...], Field(strict=False, max_length=MAX_FINDINGS, fail_fast=True)]


class Results(_FromVendor):
    """`data` of `GET /recordings/:id/results`. `recording_id` is the canonical id."""

    recording_id: _Integer
    # Without `fail_fast`, a million bad items are four million errors in memory.
    goals: Annotated[tuple[Goal, ...], Field(strict=False, max_length=MAX_FINDINGS, fail_fast=True)]
    pauses: Annotated[tuple[Pause, ...], Field(strict=False, max_length=MAX_FINDINGS, fail_fast=True)]


class RecordingDetails(_FromVendor):
    """`data` of `GET /recordings/:id`: what a person knows the recording by, and how far its analysis is.

    `status` is `pending`, `processing`, `completed` or `failed`; goals can still be unevaluated when it is `completed`.
    """

    id: _Integer | None = None
    name: str | None = None
    created_at: str | None = None
    duration_ms: _Integer | None = None
    language: Annotated[str | None, BeforeValidator(lambda told: told if isinstance(told, str) else None)] = None
    """What is no text counts as not told: before rules had a scope, nothing read it."""
    status: str | None = None
    goals_evaluated: bool | None = None

    def kept(self) -> "RecordingDetails":
        """What is kept of them: name, time, length and language, the texts within 1,000 characters."""
        return RecordingDetails(
            name=self.name and self.name[:_LONGEST_NAME],
            created_at=self.created_at and self.created_at[:_LONGEST_NAME],
            duration_ms=self.duration_ms,
            language=self.language and self.language[:_LONGEST_NAME],
        )
