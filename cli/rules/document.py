"""A rules document in a file: read, checked, and as Parameter Store gets it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

from pydantic_core import from_json, to_json

from cli.rules.files import Fault, FileInvalid, read_text
from domain import wording
from domain.errors import RulesInvalid
from domain.rules.document import RuleSet, parse_rules
from domain.rules.rule import Mode

MOST_STORED_BYTES: Final = 8_192
"""Of Parameter Store's advanced tier."""
_MOST_READ_BYTES: Final = 400_000


@dataclass(frozen=True)
class Document:
    """`text` is the file's; `rules` what it says."""

    path: Path
    text: str
    rules: RuleSet

    @cached_property
    def stored(self) -> str:
        """As it is stored: without blanks, and without what only editors read."""
        fields = from_json(self.text)
        fields.pop("$schema", None)
        return to_json(fields).decode()

    @property
    def stored_bytes(self) -> int:
        return len(self.stored.encode())

    def summary(self) -> str:
        """`3 rules (2 live, 1 shadow), 612 of 8,192 bytes, digest 0f…`"""
        count = wording.counted(len(self.rules.rules), "rule", "rules")
        modes = [(mode, sum(rule.in_mode is mode for rule in self.rules.rules)) for mode in Mode]
        told = ", ".join(f"{number} {mode}" for mode, number in modes if number)
        parts = f"{count} ({told})" if told else count
        return f"{parts}, {self.stored_bytes:,} of {MOST_STORED_BYTES:,} bytes, digest {self.rules.digest}"


def read_document(path: Path) -> Document:
    """Raises `FileInvalid` with every fault; one too long to be stored is at fault too. Else `CommandError`."""
    text = read_text(path, _MOST_READ_BYTES)
    try:
        document = Document(path, text, parse_rules(text))
    except RulesInvalid as error:
        raise FileInvalid(path, error.faults) from None
    if document.stored_bytes > MOST_STORED_BYTES:
        raise FileInvalid(path, (_too_long(document),))
    return document


def _too_long(document: Document) -> Fault:
    return (
        "document",
        f"has {document.stored_bytes:,} bytes without blanks; Parameter Store takes {MOST_STORED_BYTES:,}",
    )
