"""The base of every rule: the fields that all kinds share, and the promises that each kind keeps."""

from abc import abstractmethod
from collections.abc import Iterator
from typing import Annotated, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from domain.recording import Results
from domain.rules.violation import Finding, Severity


class Rule(BaseModel):
    """A kind adds `when`, which is its name in the document, and its own fields."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", allow_inf_nan=False)

    finding: ClassVar[type[Finding]]
    """The class of its findings."""
    needs_goals: ClassVar[bool] = False
    """Whether judging must wait until the vendor has evaluated the goals."""

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")]
    severity: Annotated[Severity, Field(strict=False)]
    enabled: bool = True

    @abstractmethod
    def findings(self, results: Results) -> Iterator[Finding]:
        """Everything that breaks the rule. Pure. A rule that cannot judge raises; it never counts as "no violation"."""
