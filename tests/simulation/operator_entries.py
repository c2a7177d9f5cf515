"""The stored parameters of a seed, and the operator's changes to them."""

import json
from dataclasses import dataclass, replace
from random import Random
from typing import Final

from adapters.identitycall.client import API_KEY as API_KEY_ENTRY
from adapters.rule_book import RULES
from adapters.slack.webhook import WEBHOOK_URL as WEBHOOK_ENTRY
from tests.simulation import slack, vendor
from tests.simulation.documents import DEFAULT_RULES, DOCUMENTS, INVALID_DOCUMENTS, RICH_DOCUMENTS, reads_goals
from tests.simulation.outages import period
from tests.simulation.times import HOUR, MINUTE
from tests.simulation.world import START_MS

_RICH: Final = 0.2
_REPLACED: Final = 0.7


@dataclass(frozen=True)
class Entry:
    """What the operator stores in Parameter Store; `None` deletes it. `valid`: whether it is a usable document."""

    at_ms: int
    name: str
    value: str | None
    valid: bool = True


def stored_at_first() -> list[Entry]:
    """All that is needed, under the default rules."""
    return [
        Entry(START_MS, API_KEY_ENTRY, vendor.API_KEY),
        Entry(START_MS, WEBHOOK_ENTRY, slack.WEBHOOK_URL),
    ]


def goals_read_later(random: Random) -> list[Entry]:
    """Rules that read no goals in turn with others that do, a few minutes each."""
    without = next(document for document in DOCUMENTS if not reads_goals(document))
    reading = [document for document in DOCUMENTS if reads_goals(document)]
    entries, at_ms = [Entry(START_MS, RULES, json.dumps(without))], START_MS
    for turn in range(6):
        at_ms += random.randint(MINUTE, 4 * MINUTE)
        document = without if turn % 2 else random.choice(reading)
        entries.append(Entry(at_ms, RULES, json.dumps(document)))
    return entries


def entries_of(random: Random) -> list[Entry]:
    """The stored parameters, and the operator's changes to them."""
    entries = stored_at_first()
    for name, value, wrong in (
        (API_KEY_ENTRY, vendor.API_KEY, (None, "idc_SECRETbutrevoked0000000000000000", "SECRET, mistyped")),
        (WEBHOOK_ENTRY, slack.WEBHOOK_URL, ("SECRET, mistyped", None)),
    ):
        if random.random() < 0.07:
            from_ms, until_ms = period(random, HOUR)
            entries += [Entry(from_ms, name, random.choice(wrong)), Entry(until_ms, name, value)]
    if random.random() < 0.4:
        entries.append(Entry(START_MS, RULES, _document(random)))
    if random.random() < 0.2:
        entries.append(Entry(START_MS + random.randrange(10 * MINUTE), RULES, _document(random)))
    if random.random() < 0.08:
        from_ms, until_ms = period(random, HOUR)
        entries += [
            Entry(from_ms, RULES, random.choice(INVALID_DOCUMENTS), valid=False),
            Entry(until_ms, RULES, _document(random)),
        ]
    return sorted(entries, key=lambda entry: entry.at_ms)


def with_rich_rules(random: Random, entries: list[Entry]) -> list[Entry]:
    """In some seeds, rules that read more or stay in the shadow take the place of the others.

    `random` is of their own, so that all else of the seed is as it was drawn.
    """
    if random.random() > _RICH:
        return entries
    first = [] if any(entry.name == RULES for entry in entries) else [_rich(random, Entry(START_MS, RULES, None))]
    return first + [
        _rich(random, entry) if entry.name == RULES and entry.valid and random.random() < _REPLACED else entry
        for entry in entries
    ]


def _rich(random: Random, entry: Entry) -> Entry:
    return replace(entry, value=json.dumps(random.choice(RICH_DOCUMENTS)))


def _document(random: Random) -> str | None:
    document = random.choice(DOCUMENTS)
    return None if document is DEFAULT_RULES and random.random() < 0.5 else json.dumps(document)
