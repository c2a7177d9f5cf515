"""`ica outcomes reindex`: outcomes and deliveries of older releases enter the index by day."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Final

import boto3

from adapters.dynamodb.reindexing import Reindexing
from cli.console import progress_bar, say
from cli.errors import Exit
from cli.questions import agreed_to_change
from cli.stack import AWS, require_stack
from domain import wording

_THREADS: Final = 8
_UNIT_BYTES: Final = 4_096 * 2
"""An eventually consistent read unit."""


def reindex(session: boto3.Session, stack_name: str, *, yes: bool) -> Exit:
    """Add what is missing. Raises `CommandError` and botocore's errors; what was done until then stays."""
    stack = require_stack(session, stack_name)
    table = Reindexing(session.client("dynamodb", config=AWS), stack.outputs["OutcomeTableName"])
    items, size = table.size()
    start = table.stopped_at()
    say(
        f"Reads the whole table, about {items:,} items ({size // _UNIT_BYTES + 1:,} read units), and writes two "
        "attributes into each outcome and delivery that the index lacks. Nothing else changes."
    )
    if start:
        say("An earlier run was stopped; this one goes on where it was.")
    if not agreed_to_change(f"Add older outcomes of {stack.name} to the index?", yes=yes):
        say("Nothing was changed.")
        return Exit.FINE
    read = added = passed = 0
    with ThreadPoolExecutor(_THREADS) as pool, progress_bar("Reading the table", "items") as told:
        for page in table.pages(start):
            done = list(pool.map(table.add, page.lacking))
            added += sum(done)
            passed += len(done) - sum(done)
            table.note(page.last)
            read += page.read
            told(read, items or None)
    print(f"{wording.counted(added, 'item', 'items')} added to the index.")
    if passed:
        say(f"{wording.counted(passed, 'item', 'items')} left: written anew meanwhile, or without a time.")
    return Exit.FINE
