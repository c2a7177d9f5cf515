"""`ica rules push`: a document checked, tried, compared, and stored if the operator agrees."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import boto3

from cli.console import err, print_json, say
from cli.errors import CommandError, Exit
from cli.options import Output
from cli.questions import agreed_to_change
from cli.rules.backtest_step import backtest_before_push
from cli.rules.diff import Side, lines
from cli.rules.differences import differences
from cli.rules.document import Document, read_document
from cli.rules.store import store
from cli.rules.stored import Stored, StoredInvalid, entry_of, read_stored, rules_of, told
from cli.rules.test import show as show_trial
from cli.rules.trial import try_rules
from cli.stack import Stack, require_stack
from domain.rules.document import RuleSet


@dataclass(frozen=True)
class Wish:
    """`force`: why it is stored all the same where a step fails. `yes` answers the question."""

    path: Path
    tests: Sequence[Path]
    stack: str
    force: str | None
    yes: bool
    output: Output


def push(open_session: Callable[[], boto3.Session], wish: Wish) -> Exit:
    """Store the document. FINDINGS where a step fails and nothing was stored. Raises `CommandError`.

    A document that is not valid is never stored, whatever the force: nothing would be judged by it.
    """
    document = read_document(wish.path)
    if wish.force is not None and not wish.force.strip():
        raise CommandError("Say why: --force WHY. It is kept with the document.")
    failed = list(_tried(document, wish))
    if failed and wish.force is None:
        return _refused(failed)
    session = open_session()
    stack = require_stack(session, wish.stack)
    stored = read_stored(session, stack)
    if stored and stored.text == document.stored:
        say(f"{stored} is this very document: nothing to store.")
        return _told_result(stored, document, wish, stored_now=False)
    before = _before(stack, stored)
    if not backtest_before_push(session, stack, before, document.rules):
        failed.append("the backtest loses confirmed violations")
        if wish.force is None:
            return _refused(failed)
    _show_changes(stored, before, document)
    if failed:
        say(f"Stored by force, although {' and '.join(failed)}: {wish.force}")
    if not agreed_to_change(f"Store {wish.path} as {entry_of(stack)}?", yes=wish.yes):
        say("Nothing was changed.")
        return Exit.FINE
    now = store(session, stack, document, replaces=stored, force=wish.force if failed else None)
    return _told_result(now, document, wish, stored_now=True)


def _tried(document: Document, wish: Wish) -> Iterator[str]:
    """Try the rules on their cases, and say what failed. With force, tests that cannot be used are a failure too."""
    try:
        trial = try_rules(document, wish.tests)
    except CommandError as error:
        if wish.force is None:
            raise
        say(str(error))
        yield "its tests cannot be run"
        return
    show_trial(err, trial)
    if not trial.passed:
        yield "its tests fail"


def _refused(failed: Sequence[str]) -> Exit:
    say(f"Nothing was stored: {' and '.join(failed)}. To store it all the same: --force WHY.")
    return Exit.FINDINGS


def _before(stack: Stack, stored: Stored | None) -> RuleSet | None:
    """The rules in force; `None` where the stored document is refused, which this one mends."""
    try:
        return rules_of(stack, stored)
    except StoredInvalid as invalid:
        say(str(invalid))
        return None


def _show_changes(stored: Stored | None, before: RuleSet | None, document: Document) -> None:
    if before is None:
        say(f"{document.path}: {document.summary()}")
        return
    old, new = Side(told(stored), before), Side(str(document.path), document.rules)
    for line in lines(old, new, differences(before, document.rules)):
        say(line)


def _told_result(now: Stored, document: Document, wish: Wish, *, stored_now: bool) -> Exit:
    if wish.output is Output.JSON:
        print_json({"name": now.name, "version": now.version, "digest": document.rules.digest, "stored": stored_now})
    elif stored_now:
        print(f"Stored as {now} (digest {document.rules.digest}). It is in force within a minute.")
    return Exit.FINE
