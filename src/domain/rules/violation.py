"""A violation: a rule, and one finding that breaks it."""

import hashlib
from abc import abstractmethod
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, Final

from pydantic import BaseModel, ConfigDict

_HASH_DIGITS: Final = 12


class Severity(StrEnum):
    """In the order of urgency, least first."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"

    @property
    def urgency(self) -> int:
        return list(Severity).index(self)


def is_none(value: object) -> bool:
    """For fields that joined a published shape later: where absent, the JSON stays as it was."""
    return value is None


class Finding(BaseModel):
    """One thing that a rule found. Each kind of rule has its own.

    The fields are the evidence in an alert's JSON, for programs; `kind` tells the kinds apart. Long texts are cut.
    The properties are plain text for people. An adapter adds the markup of its destination.
    """

    # Built with the first finding: most cold starts have none.
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True, defer_build=True)

    title: ClassVar[str]
    """`Goal not met`"""
    merges: ClassVar[bool] = False
    """Whether two rules that find the same subject found the same thing: then people see it once."""

    @property
    @abstractmethod
    def subject(self) -> str:
        """The part of the call that it is about. A rule has one violation for each subject."""

    @property
    @abstractmethod
    def detail(self) -> str:
        """`Offer Follow-up`"""

    @property
    @abstractmethod
    def measure(self) -> str:
        """The figure that decided: `score 0.30`"""

    @property
    def quote(self) -> str | None:
        """Explanations and spoken words, which are personal data: never part of the summary, never logged."""
        return None

    @property
    def summary(self) -> str:
        """`Goal not met: Offer Follow-up, score 0.30`"""
        return f"{self.title}: {self.detail}, {self.measure}"

    @classmethod
    @abstractmethod
    def headline(cls, count: int, /) -> str:
        """This many findings of the kind in a few words: `2 goals not met`."""


@dataclass(frozen=True, slots=True)
class Violation:
    """`help` is the rule's. `scope_unknown` names the fields of its scope that the recording's details leave open."""

    rule_id: str
    severity: Severity
    finding: Finding
    help: str | None = None
    scope_unknown: tuple[str, ...] = ()

    @property
    def subject(self) -> str:
        return self.finding.subject

    @property
    def summary(self) -> str:
        return self.finding.summary

    @property
    def fingerprint(self) -> str:
        """See `fingerprint`."""
        return fingerprint(self.rule_id, self.subject)


def fingerprint(rule_id: str, subject: str) -> str:
    """A short hash of rule and subject alone: a new wording or score does not alert again."""
    return hashlib.sha256(f"{rule_id}\n{subject}".encode()).hexdigest()[:_HASH_DIGITS]
