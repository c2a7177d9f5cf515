"""The rules in force in a deployed stack."""

from __future__ import annotations

from typing import Final

import boto3

from cli.errors import CommandError
from cli.stack import Stack
from domain.errors import RulesInvalid
from domain.rules.document import RuleSet, default_rules, parse_rules

_MAX_PAUSE_MS: Final = 5_000
"""The template's default, for stacks from before the parameter."""


def rules_in_force(session: boto3.Session, stack: Stack) -> RuleSet:
    """The stored document, or the default rules. Raises `CommandError` where it is not valid; botocore's errors."""
    found = session.client("ssm").get_parameters(Names=[f"/{stack.name}/rules"], WithDecryption=True)["Parameters"]
    document = found[0]["Value"].strip() if found else ""
    if not document:
        return default_rules(int(stack.parameters.get("MaxPauseMs") or _MAX_PAUSE_MS))
    try:
        return parse_rules(document)
    except RulesInvalid as error:
        faults = "; ".join(f"{place}: {sentence}" for place, sentence in error.faults[:3])
    raise CommandError(
        f"The document stored for {stack.name} is not valid, so there is nothing to compare with ({faults}). "
        "--against FILE compares with a file."
    )
