"""The keys of every item in the outcome table. docs/architecture.md describes the items.

The IAM policies in template.yaml name the same partition keys: each function may write its own alone.
"""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from enum import StrEnum
from typing import Any, Final, NamedTuple

from domain.recording import RecordingId

Item = dict[str, Any]
"""Attribute values as DynamoDB spells them: `{"S": …}`, `{"N": …}`."""

_RECORDING: Final = "RECORDING#"


class Key(NamedTuple):
    """The primary key of one item."""

    pk: str
    sk: str

    @classmethod
    def of(cls, item: Item) -> "Key":
        return cls(item["pk"]["S"], item["sk"]["S"])

    @property
    def attributes(self) -> Item:
        return {"pk": {"S": self.pk}, "sk": {"S": self.sk}}


class Indexed(StrEnum):
    """What the index by day holds."""

    OUTCOME = "OUTCOME"
    DELIVERY = "DELIVERY"
    VERDICT = "VERDICT"


BY_DAY: Final = "by_day"
"""The index: its hash is `index_day`, as `OUTCOME#2026-11-23`, and its range `index_time`, as `<time>#<id>`."""


def by_day(what: Indexed, at: str, recording: RecordingId) -> Item:
    """The attributes that put an item into the index. `at`: ISO 8601 UTC."""
    return {"index_day": {"S": f"{what}#{at[:10]}"}, "index_time": {"S": f"{at}#{recording}"}}


BUDGET_KEY: Final = Key("BUDGET", "REQUESTS")
DISCOVERY_STATE_KEY: Final = Key("DISCOVERY", "STATE")
REINDEX_KEY: Final = Key("INDEX", "REINDEX")
"""Written by the operator's command alone."""
VERDICT: Final = "VERDICT#"
"""The sort keys of a recording's verdicts begin so."""
SEGMENT: Final = "SEGMENT#"
"""The sort keys of a distributed backtest's segments begin so."""


def backtest_key(backtest: str) -> Key:
    return Key(f"BACKTEST#{backtest}", "BACKTEST")


def segment_key(backtest: str, number: int) -> Key:
    return Key(f"BACKTEST#{backtest}", f"{SEGMENT}{number:05}")


def outcome_key(recording: RecordingId) -> Key:
    return Key(f"{_RECORDING}{recording}", "OUTCOME")


def delivery_key(recording: RecordingId, alert_id: str, destination: str) -> Key:
    return Key(f"{_RECORDING}{recording}", f"DELIVERY#{alert_id}#{destination}")


def alias_key(uuid: str) -> Key:
    return Key(f"ALIAS#{uuid}", "ALIAS")


def numbers_of(uuids: Iterable[str], items: Mapping[Key, Item]) -> dict[RecordingId, int]:
    """The recordings that aliases among the items name. One that cannot be read counts as none.

    The vendor's next answer writes it anew.
    """
    numbers: dict[RecordingId, int] = {}
    for uuid in uuids:
        with suppress(KeyError, TypeError, ValueError):
            numbers[uuid] = int(items[alias_key(uuid)]["recording_id"]["N"])
    return numbers


def mark_key(recording: RecordingId) -> Key:
    return Key(f"MARK#{recording}", "DISCOVERED")


def old_mark_key(recording: RecordingId) -> Key:
    """The key of marks written before 2026-11-24. The last of them expires after the longest lookback and a day: a
    release at least 31 days later may drop this key."""
    return Key(f"{_RECORDING}{recording}", "DISCOVERED")


def recording_of(outcome: Item) -> str:
    """The recording's id in an outcome's key, as text."""
    return str(outcome["pk"]["S"]).removeprefix(_RECORDING)
