"""The base of every kind: a condition that a call can meet. A rule is a condition under a name."""

from abc import abstractmethod
from collections.abc import Iterator
from enum import Flag, auto
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict
from pydantic_core import PydanticCustomError

from domain.rules.call import Call
from domain.rules.violation import Finding


class Fact(Flag):
    """What a condition reads beside the pauses, which every body of results has."""

    NONE = 0
    GOALS = auto()
    """Judging must wait until the vendor has evaluated the goals."""


class Condition(BaseModel):
    """A kind adds `when`, which is its name in the document, and its own fields."""

    # Built with the first document: under the default rules there is none.
    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", allow_inf_nan=False, defer_build=True)

    finding: ClassVar[type[Finding]]
    """The class of its findings."""

    @property
    def needs(self) -> Fact:
        return Fact.NONE

    def written(self) -> dict[str, Any]:
        """Its fields as a document has them."""
        return {name: getattr(self, name) for name in type(self).model_fields}

    @abstractmethod
    def findings(self, call: Call) -> Iterator[Finding]:
        """Everything that meets it. Pure. What cannot be judged raises; it never counts as "nothing found"."""


def refused(sentence: str, *at: str) -> PydanticCustomError:
    """The error of a validator that looks at several fields. `at`: those to blame, as paths from the model."""
    return PydanticCustomError("refused", "{sentence}", {"sentence": sentence, "at": at})
