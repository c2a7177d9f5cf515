"""Results as an outcome's item holds them, and the size of an item."""

import gzip
from collections.abc import Mapping, Sequence
from typing import Any, Final

from adapters.dynamodb.keys import Item
from domain.evaluation.outcome import Snapshot

_PLAIN_RESULTS_BYTES: Final = 200_000


def results_text(snapshot: Snapshot, room: int) -> Item:
    """The results as one text: compressed if long, left out if they still do not fit the item."""
    if len(snapshot.json) <= min(_PLAIN_RESULTS_BYTES, room):
        return {"results": {"S": snapshot.json.decode()}}
    compressed = gzip.compress(snapshot.json, compresslevel=6, mtime=0)
    if len(compressed) <= room:
        return {"results_gzip": {"B": compressed}}
    return {"results_omitted_bytes": {"N": str(len(snapshot.json))}}


def size_of(value: Any) -> int:
    """At least the size that DynamoDB counts: names and values in UTF-8, and a little for each container."""
    match value:
        case str():
            return len(value) if value.isascii() else len(value.encode())
        case bytes() | bytearray():
            return len(value)
        case Mapping():
            return sum(len(name) + 1 + size_of(part) for name, part in value.items())
        case Sequence():
            return sum(1 + size_of(part) for part in value)
        case _:
            return 1
