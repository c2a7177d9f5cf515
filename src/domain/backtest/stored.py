"""Stored outcomes as a backtest reads them, and the calls made of them."""

from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any

from pydantic import TypeAdapter, ValidationError

from domain.recording import Keyword, RecordingDetails, Results
from domain.rules.call import Call, FactMissing, keywords_adapter


class NotJudged(StrEnum):
    """Why no rule can judge an outcome."""

    OMITTED = "results_omitted"
    """The results did not fit the item."""
    ABSENT = "results_absent"
    """A judged outcome without results: another release or a person wrote it."""
    UNREADABLE = "unreadable"
    NOT_FOUND = "not_found"
    ANALYSIS_FAILED = "analysis_failed"
    ERASED = "erased"


@dataclass(frozen=True, slots=True)
class StoredOutcome:
    """`results`: the body's `data` as JSON. `details`: those stored with it, if they were fetched.

    `goals_evaluated` is false where the rules judged without the goals, after an hour.
    """

    recording: int
    evaluated_at: str
    results: str | bytes
    details: RecordingDetails | None = None
    goals_evaluated: bool = True
    rules_version: str | None = None


class _WithKeywords(Results):
    """Whatever stands under `keywords`: it is read where a rule asks for it."""

    keywords: Any = None


_read = TypeAdapter(Results).validator.validate_json
_read_with_keywords = TypeAdapter(_WithKeywords).validator.validate_json


class StoredCall(Call):
    """A call made of stored results. Its keywords are parsed already, and not yet checked."""

    @cached_property
    def keywords(self) -> tuple[Keyword, ...]:
        """Raises `FactMissing` where there are none, or none that can be read."""
        said = self.results.keywords if isinstance(self.results, _WithKeywords) else None
        if said is None:
            raise FactMissing("the keywords")
        try:
            return keywords_adapter().validate_python(said)
        except ValidationError:
            pass
        # Outside the clause: as its context, pydantic's error would hold the objects.
        raise FactMissing("keywords that can be read")


def read_call(stored: StoredOutcome, *, keywords: bool, goals_known: frozenset[str]) -> StoredCall | None:
    """The call as it was judged; `None` where its results cannot be read. `keywords`: whether a rule reads them.

    `goals_known` are versions of rules that wait for goals: where there are none, they judged that there are none.
    """
    try:
        results: Results = (_read_with_keywords if keywords else _read)(stored.results)
    except ValidationError:
        return None
    known = bool(results.goals or not stored.goals_evaluated or stored.rules_version in goals_known)
    return StoredCall(results, None, stored.details, known)
