"""`ica rules show`: the document in force, or an older version of it."""

from __future__ import annotations

import json
from datetime import UTC
from typing import Any

import boto3
from pydantic_core import from_json

from cli.console import print_json, say
from cli.errors import CommandError, Exit
from cli.options import Output
from cli.rules.differences import as_written
from cli.rules.stored import Stored, StoredInvalid, entry_of, read_history, rules_of, told
from cli.stack import Stack, require_stack
from domain.rules.document import RuleSet


def show(session: boto3.Session, stack_name: str, version: int | None, output: Output) -> Exit:
    """Print the document on standard output, and beside it what is known of it. Raises `CommandError`."""
    stack = require_stack(session, stack_name)
    history = read_history(session, stack)
    stored = _chosen(stack, history, version)
    in_force = bool(history) and stored == history[-1]
    try:
        rules = rules_of(stack, stored)
    except StoredInvalid as invalid:
        return _show_invalid(stored, invalid, output)
    document = _document(stored, rules)
    about = _about(stored) | {"in_force": in_force or not history, "digest": rules.digest}
    if output is Output.JSON:
        print_json(about | {"document": document})
    else:
        say(_sentence(stored, rules, in_force))
        print(json.dumps(document, ensure_ascii=False, indent=2))
    return Exit.FINE


def _chosen(stack: Stack, history: tuple[Stored, ...], version: int | None) -> Stored | None:
    """This version, or the last one; `None` if nothing is stored and no version was asked for."""
    if version is None:
        return history[-1] if history else None
    for stored in history:
        if stored.version == version:
            return stored
    kept = f"it has {history[0].version} to {history[-1].version}" if history else "nothing is stored"
    raise CommandError(f"{entry_of(stack)} has no version {version}; {kept}.")


def _document(stored: Stored | None, rules: RuleSet) -> Any:
    if stored is None or stored.blank:
        return {"version": rules.version, "rules": [as_written(rule) for rule in rules.rules]}
    return from_json(stored.text)


def _about(stored: Stored | None) -> dict[str, Any]:
    if stored is None:
        return {"source": "default"}
    return {
        "source": "default" if stored.blank else "stored",
        "name": stored.name,
        "version": stored.version,
        "since": stored.at.astimezone(UTC).isoformat(timespec="seconds"),
        "by": stored.by,
        "description": stored.description,
    }


def _sentence(stored: Stored | None, rules: RuleSet, in_force: bool) -> str:
    if stored is None:
        return f"No rules are stored: {told(stored)} hold. Digest {rules.digest}."
    what = f"{stored} is blank: {told(stored)} hold" if stored.blank else str(stored)
    state = "in force since" if in_force else "no longer in force; stored on"
    by = f" by {stored.by}" if stored.by else ""
    note = f"\n{stored.description}" if stored.description else ""
    return f"{what}, {state} {stored.at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC{by}. Digest {rules.digest}.{note}"


def _show_invalid(stored: Stored | None, invalid: StoredInvalid, output: Output) -> Exit:
    """What stands there, and what is wrong with it."""
    text = stored.text if stored else ""
    faults = [{"path": place, "message": sentence} for place, sentence in invalid.faults]
    if output is Output.JSON:
        print_json(_about(stored) | {"digest": None, "text": text, "faults": faults})
    else:
        print(text)
    say(str(invalid))
    return Exit.FINDINGS
