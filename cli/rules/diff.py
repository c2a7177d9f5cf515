"""`ica rules diff`: what a document would change."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import boto3

from cli.console import print_json
from cli.errors import Exit
from cli.options import Output
from cli.rules.differences import Differences, Field, differences
from cli.rules.document import read_document
from cli.rules.stored import read_stored, rules_of, told
from cli.stack import require_stack
from domain import wording
from domain.rules.document import RuleSet

_VALUE: Final = 100
_RULES_ORDER: Final = "the order of the rules: it sorts an alert, and judges nothing"


@dataclass(frozen=True)
class Side:
    """A document under a name that people know it by."""

    name: str
    rules: RuleSet

    def as_json(self) -> dict[str, str]:
        return {"name": self.name, "digest": self.rules.digest}


def in_file(path: Path) -> Side:
    """Raises `FileInvalid` and `CommandError`."""
    return Side(str(path), read_document(path).rules)


def in_force(session: boto3.Session, stack_name: str) -> Side:
    """What is stored for the stack, or its default rules. Raises `CommandError`, and botocore's errors."""
    stack = require_stack(session, stack_name)
    stored = read_stored(session, stack)
    return Side(told(stored), rules_of(stack, stored))


def diff(before: Side, after: Side, output: Output) -> Exit:
    """Show what differs."""
    found = differences(before.rules, after.rules)
    if output is Output.JSON:
        print_json(as_json(before, after, found))
    else:
        for line in lines(before, after, found):
            print(line)
    return Exit.FINE


def lines(before: Side, after: Side, found: Differences) -> Iterator[str]:
    """A line for both documents, for each rule that differs, and for each field of it."""
    yield f"{before.name} (digest {before.rules.digest}) → {after.name} (digest {after.rules.digest})"
    for rule in found.added:
        yield f"+ {rule['id']}"
        yield from (f"    {name}: {_shown(value)}" for name, value in rule.items() if name != "id")
    for rule in found.removed:
        yield f"- {rule['id']} ({rule['when']}, {rule['severity']})"
    for changed in found.changed:
        yield f"~ {changed.rule_id}"
        yield from (f"    {field.path}: {_change(field)}" for field in changed.fields)
    if found.reordered:
        yield f"~ {_RULES_ORDER}"
    elif found.none:
        yield "Both judge alike."


def as_json(before: Side, after: Side, found: Differences) -> dict[str, Any]:
    """Rules added and removed as a document has them; of a changed rule each field, `null` where it is absent."""
    return {
        "before": before.as_json(),
        "after": after.as_json(),
        "added": list(found.added),
        "removed": list(found.removed),
        "changed": [
            {
                "id": changed.rule_id,
                "fields": [
                    {"field": field.path, "before": field.before, "after": field.after} for field in changed.fields
                ],
            }
            for changed in found.changed
        ],
        "reordered": found.reordered,
    }


def _change(field: Field) -> str:
    """`5000 → 8000`; of a list, what came and what went"""
    if isinstance(field.before, list) and isinstance(field.after, list):
        came = [f"+ {_shown(each)}" for each in field.after if each not in field.before]
        went = [f"- {_shown(each)}" for each in field.before if each not in field.after]
        return ", ".join(came + went)
    return " → ".join("absent" if value is None else _shown(value) for value in (field.before, field.after))


def _shown(value: Any) -> str:
    return wording.cut(wording.clean(json.dumps(value, ensure_ascii=False)), _VALUE)
