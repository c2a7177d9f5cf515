"""The scope of a rule: the recordings that it is about, by their details."""

from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, model_validator

from domain.recording import RecordingDetails
from domain.rules.condition import Milliseconds, refused

_LOOKED_AT: Final = 1_000

Glob = Annotated[str, Field(min_length=1, max_length=200)]
Language = Annotated[str, Field(min_length=1, max_length=35)]


class Scope(BaseModel):
    """Every given field must agree with the recording. What the vendor does not tell counts as in scope.

    `recording_names` are globs (`*`, `?`, `[…]`). Neither these nor `languages` tell upper from lower case. The limits
    of the recording's length are strict.
    """

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", defer_build=True)

    languages: Annotated[tuple[Language, ...], Field(strict=False, min_length=1, max_length=50)] | None = None
    recording_names: Annotated[tuple[Glob, ...], Field(strict=False, min_length=1, max_length=50)] | None = None
    longer_than_ms: Milliseconds | None = None
    shorter_than_ms: Milliseconds | None = None

    @model_validator(mode="after")
    def _leaves_some(self) -> "Scope":
        if not any(True for _ in self._given()):
            raise refused(f"is empty; give one of {', '.join(type(self).model_fields)}, or leave it out")
        longer, shorter = self.longer_than_ms, self.shorter_than_ms
        if longer is not None and shorter is not None and shorter <= longer + 1:
            raise refused(f"no recording is longer than {longer} ms and shorter than {shorter} ms", "shorter_than_ms")
        return self

    def unknown(self, details: RecordingDetails) -> tuple[str, ...] | None:
        """The fields that these details do not decide; `None` where one of them leaves the recording out."""
        agree = dict(self._agreements(details))
        if False in agree.values():
            return None
        return tuple(name for name, agrees in agree.items() if agrees is None)

    def written(self) -> dict[str, Any]:
        """Its fields as a document has them."""
        return {name: getattr(self, name) for name in self._given()}

    def _given(self) -> Iterator[str]:
        return (name for name in type(self).model_fields if getattr(self, name) is not None)

    def _agreements(self, details: RecordingDetails) -> Iterator[tuple[str, bool | None]]:
        """Each given field, and whether the recording agrees; `None` if that is not known."""
        language, name, length_ms = details.language, details.name, details.duration_ms
        if self.languages is not None:
            yield "languages", any(speaks(language, each) for each in self.languages) if language else None
        if self.recording_names is not None:
            yield "recording_names", any(matches(name, glob) for glob in self.recording_names) if name else None
        if self.longer_than_ms is not None:
            yield "longer_than_ms", None if length_ms is None else length_ms > self.longer_than_ms
        if self.shorter_than_ms is not None:
            yield "shorter_than_ms", None if length_ms is None else length_ms < self.shorter_than_ms


def speaks(told: str, language: str) -> bool:
    """Whether the vendor's word for a language is this one or a regional form of it: `de-AT` is `de`."""
    told, language = (each.strip().casefold().replace("_", "-") for each in (told, language))
    return told == language or told.startswith(f"{language}-")


def matches(name: str, glob: str) -> bool:
    """Whether a recording's name is as the glob says, upper and lower case being the same.

    Of the name, the first 1,000 characters count. At worst it takes the length of the name times that of the glob: the
    expression that `fnmatch` makes takes the first match of each part, and never comes back to it.
    """
    return fnmatchcase(name[:_LOOKED_AT].casefold(), glob.casefold())
