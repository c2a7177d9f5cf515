"""The rules document of a stack in Parameter Store, its versions, and the rules in force."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import boto3

from adapters.rule_book import RULES
from cli.errors import CommandError, Exit
from cli.rules.files import Fault
from cli.stack import Stack
from domain.errors import RulesInvalid
from domain.rules.document import RuleSet, default_rules, parse_rules

_DEFAULT_MAX_PAUSE_MS: Final = 5_000
"""Of template.yaml, for a stack of before the parameter."""


@dataclass(frozen=True)
class Stored:
    """One version of the parameter. `by` and `description` are known from its history alone."""

    name: str
    version: int
    at: datetime
    text: str
    by: str | None = None
    description: str | None = None

    @property
    def blank(self) -> bool:
        """A blank document counts as none: the default rules hold."""
        return not self.text.strip()

    def __str__(self) -> str:
        return f"{self.name} version {self.version}"


class StoredInvalid(CommandError):
    """The stored document is refused, so events wait. `faults` are all that is wrong with it."""

    def __init__(self, stored: Stored, faults: tuple[Fault, ...]) -> None:
        lines = "\n".join(f"  {place}: {sentence}" for place, sentence in faults)
        super().__init__(f"{stored} is refused as a whole, and events wait until it is mended:\n{lines}", Exit.MISUSED)
        self.faults = faults


def entry_of(stack: Stack) -> str:
    return f"/{stack.name}/{RULES}"


def read_stored(session: boto3.Session, stack: Stack) -> Stored | None:
    """The version in force; `None` if nothing is stored. Raises botocore's errors."""
    ssm = session.client("ssm")
    try:
        found = ssm.get_parameter(Name=entry_of(stack), WithDecryption=True)["Parameter"]
    except ssm.exceptions.ParameterNotFound:
        return None
    return Stored(entry_of(stack), found["Version"], found["LastModifiedDate"], found["Value"])


def read_history(session: boto3.Session, stack: Stack) -> tuple[Stored, ...]:
    """The versions that Parameter Store keeps (100), the oldest first; none if nothing is stored."""
    ssm = session.client("ssm")
    pages = ssm.get_paginator("get_parameter_history").paginate(Name=entry_of(stack), WithDecryption=True)
    try:
        versions = [
            Stored(
                entry_of(stack),
                each["Version"],
                each["LastModifiedDate"],
                each["Value"],
                each.get("LastModifiedUser"),
                each.get("Description"),
            )
            for page in pages
            for each in page["Parameters"]
        ]
    except ssm.exceptions.ParameterNotFound:
        return ()
    return tuple(sorted(versions, key=lambda stored: stored.version))


def rules_of(stack: Stack, stored: Stored | None) -> RuleSet:
    """The rules that hold with this document stored. Raises `StoredInvalid`."""
    if stored is None or stored.blank:
        return default_rules(int(stack.parameters.get("MaxPauseMs", _DEFAULT_MAX_PAUSE_MS)))
    try:
        return parse_rules(stored.text)
    except RulesInvalid as invalid:
        raise StoredInvalid(stored, invalid.faults) from None


def told(stored: Stored | None) -> str:
    """`/alerts/rules version 3`, or that the default rules hold."""
    return "the two default rules" if stored is None or stored.blank else str(stored)
