"""The parameters of template.yaml: their allowed values, and a check of an answer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml


@dataclass(frozen=True)
class Parameter:
    name: str
    description: str
    default: str
    fault_text: str  # what the template says where a value is refused
    pattern: str | None = None
    allowed: tuple[str, ...] = ()
    least: int | None = None
    most: int | None = None

    def fault(self, value: str) -> str | None:
        """Why CloudFormation would refuse a value; None if it would not."""
        if self.allowed and value not in self.allowed:
            return f"must be one of {', '.join(self.allowed)}"
        if self.pattern and not re.fullmatch(self.pattern, value):
            return self.fault_text
        if self.least is not None and self.most is not None:
            whole = re.fullmatch(r"[0-9]{1,9}", value)
            return None if whole and self.least <= int(value) <= self.most else self.fault_text
        return None


def read_parameters(template: Path) -> tuple[Parameter, ...]:
    """All parameters in the template's order."""
    entries: Mapping[str, Any] = yaml.load(template.read_text(encoding="utf-8"), _Loader)["Parameters"]  # noqa: S506
    return tuple(_parameter(name, entry) for name, entry in entries.items())


def _parameter(name: str, entry: Mapping[str, Any]) -> Parameter:
    return Parameter(
        name,
        " ".join(str(entry["Description"]).split()),
        str(entry.get("Default", "")),
        " ".join(str(entry.get("ConstraintDescription", "is not allowed")).split()),
        entry.get("AllowedPattern"),
        tuple(str(value) for value in entry.get("AllowedValues", ())),
        entry.get("MinValue"),
        entry.get("MaxValue"),
    )


class _Loader(yaml.SafeLoader):
    """YAML whose CloudFormation tags are read as nothing: the parameters have none."""


_Loader.add_multi_constructor("!", lambda *_: None)
