"""A call as rules judge it: its results, and what else is known of its recording."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING, Annotated, Any, Generic, TypeVar

from pydantic import Field, ValidationError

from domain.errors import Unusable
from domain.recording import MAX_FINDINGS, Goal, Keyword, Pause, RecordingDetails, Results

if TYPE_CHECKING:
    from pydantic import TypeAdapter


T = TypeVar("T")


class _kept(Generic[T]):  # noqa: N801 - stands where `property` would
    """A `cached_property` without the lock that Python 3.11 takes each time: it costs more than looking."""

    def __init__(self, look: Callable[[Any], T]) -> None:
        self._look = look
        self._name = look.__name__
        self.__doc__ = look.__doc__

    def __get__(self, call: Any, owner: type) -> T:
        found = call.__dict__[self._name] = self._look(call)
        return found


class FactMissing(Exception):
    """A fact that a condition needs is not there, for good. The condition is neither met nor unmet."""


@dataclass
class Call:
    """`keywords_json`: the body's `keywords`, if it has them. `details`: if they were fetched.

    `goals_known`: whether the body's goals are all that will come. A rule in force waits for them.
    """

    results: Results
    keywords_json: bytes | None = None
    details: RecordingDetails | None = None
    goals_known: bool = True

    # Each is looked for once, for all rules: few goals are unmet, and most of a backtest's time went into the rest.

    @_kept
    def broken_pauses(self) -> Sequence[Pause]:
        """The pauses that are not compliant."""
        return [pause for pause in self.results.pauses if not pause.compliant]

    @_kept
    def unmet_goals(self) -> Sequence[Goal]:
        """Raises `FactMissing` where the vendor may not have evaluated the goals."""
        if not self.goals_known:
            raise FactMissing("the goals")
        return [goal for goal in self.results.goals if not goal.met]

    @cached_property
    def keywords(self) -> tuple[Keyword, ...]:
        """Parsed where a rule reads them, so that no other call pays for them. Raises `FactMissing` and `Unusable`."""
        if self.keywords_json is None:
            raise FactMissing("the keywords")
        try:
            return keywords_adapter().validate_json(self.keywords_json)
        except ValidationError as error:
            fault = error.errors(include_url=False, include_input=False, include_context=False)[0]
            place = ".".join(str(part) for part in ("keywords", *fault["loc"]))
        what = f"the API's answer has the wrong shape: {place}: {fault['msg']}"
        # Outside the clause: as its context, pydantic's error would hold the objects.
        raise Unusable(f"Recording {self.results.recording_id}: {what}.")

    @property
    def duration_ms(self) -> int:
        """The recording's length. Raises `FactMissing`."""
        length_ms = self.details.duration_ms if self.details else None
        if length_ms is None or length_ms <= 0:
            raise FactMissing("the recording's length")
        return length_ms


@cache
def keywords_adapter() -> "TypeAdapter[tuple[Keyword, ...]]":
    from pydantic import TypeAdapter  # noqa: PLC0415 - it costs a cold start, and few rules read keywords

    return TypeAdapter(Annotated[tuple[Keyword, ...], Field(max_length=MAX_FINDINGS, fail_fast=True)])
