"""The base of every kind: a condition that a call can meet. A rule is a condition under a name."""

from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import Flag, auto
from typing import Annotated, Any, ClassVar, Final, TypeAlias

from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

from domain.rules.call import Call
from domain.rules.violation import Finding

_WEEK_MS: Final = 7 * 86_400_000

Name = Annotated[str, Field(min_length=1, max_length=120)]
"""Of a goal, a keyword or the like. Upper and lower case are the same; see `folded`."""
Milliseconds = Annotated[int, Field(ge=0, le=_WEEK_MS)]


class Fact(Flag):
    """What a condition reads beside the pauses, which every body of results has."""

    NONE = 0
    GOALS = auto()
    """Judging waits until the vendor has evaluated the goals."""
    KEYWORDS = auto()
    DETAILS = auto()
    """The recording's details, which cost a request."""


Match: TypeAlias = tuple[str, Callable[[], Finding]]
"""One thing that meets a condition: its subject, and how to make its finding. Counting needs no finding."""


Named = Mapping[int | str, int | str]
"""Ids and folded names, each with how the document writes it."""


class Condition(BaseModel):
    """A kind adds `when`, which is its name in the document, and its own fields."""

    # Built with the first document: under the default rules there is none.
    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", allow_inf_nan=False, defer_build=True)

    finding: ClassVar[type[Finding]]
    """The class of its findings."""
    later: ClassVar[frozenset[str]] = frozenset()
    """Fields that joined the kind after its first release: where absent, they leave the rules' digest as it was."""

    looks_at: ClassVar[str | None] = None
    """The part of the call, a property of `Call`, without which the kind finds nothing: most calls need no look."""

    @property
    def needs(self) -> Fact:
        return Fact.NONE

    @property
    def named_goals(self) -> Named:
        """The goals that it watches by id or name. It cannot fire on them where no call has them."""
        return {}

    @property
    def named_keywords(self) -> Named:
        """Likewise."""
        return {}

    @abstractmethod
    def matches(self, call: Call) -> Iterator[Match]:
        """Everything that meets it. Pure. What cannot be judged raises `FactMissing`, after all that was found.

        So it never counts as "nothing found".
        """

    def findings(self, call: Call) -> Iterator[Finding]:
        """The findings of `matches`."""
        return (finding() for _, finding in self.matches(call))

    def written(self) -> dict[str, Any]:
        """Its fields as a document has them."""
        return written(self, self.later)


def written(model: BaseModel, later: frozenset[str]) -> dict[str, Any]:
    """The model's fields, without those of `later` that are absent."""
    fields = {name: getattr(model, name) for name in type(model).model_fields}
    return {name: value for name, value in fields.items() if value is not None or name not in later}


def named(ids: Iterable[int] | None, names: Iterable[str] | None) -> Named:
    return {number: number for number in ids or ()} | {folded(name): name for name in names or ()}


def folded(name: str) -> str:
    """A name as names are compared."""
    return name.strip().casefold()


def refused(sentence: str, *at: str) -> PydanticCustomError:
    """The error of a validator that looks at several fields. `at`: those to blame, as paths from the model."""
    return PydanticCustomError("refused", "{sentence}", {"sentence": sentence, "at": at})
