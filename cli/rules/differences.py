"""Two rules documents compared, rule by rule and field by field. What judges alike is no difference.

`enabled: false` and `mode: off` are alike, and so are a default that is written and one that is left out. The order of
names, of conditions and of rules decides nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic_core import to_jsonable_python

from domain.rules.document import RuleSet
from domain.rules.rule import Mode, Rule

Fields = Mapping[str, Any]


@dataclass(frozen=True)
class Field:
    """`path` is the field's in the rule: `scope.languages`, `of[0].score_below`. What is absent is `None`."""

    path: str
    before: Any
    after: Any


@dataclass(frozen=True)
class Changed:
    rule_id: str
    fields: tuple[Field, ...]


@dataclass(frozen=True)
class Differences:
    """`added` and `removed` hold each rule as a document has it. `reordered`: the rules in both, in another order."""

    added: tuple[Fields, ...]
    removed: tuple[Fields, ...]
    changed: tuple[Changed, ...]
    reordered: bool

    @property
    def none(self) -> bool:
        """Whether both judge alike."""
        return not (self.added or self.removed or self.changed)


def differences(before: RuleSet, after: RuleSet) -> Differences:
    old, new = ({rule.id: rule for rule in rules.rules} for rules in (before, after))
    both = [rule_id for rule_id in new if rule_id in old]
    pairs = ((rule_id, tuple(_changes(old[rule_id], new[rule_id]))) for rule_id in both)
    return Differences(
        added=tuple(as_written(rule) for rule_id, rule in new.items() if rule_id not in old),
        removed=tuple(as_written(rule) for rule_id, rule in old.items() if rule_id not in new),
        changed=tuple(Changed(rule_id, fields) for rule_id, fields in pairs if fields),
        reordered=both != [rule_id for rule_id in old if rule_id in new],
    )


def as_written(rule: Rule) -> dict[str, Any]:
    """The rule as a person would write it: without what is absent, and without the mode that holds anyway."""
    fields: dict[str, Any] = _without_absent(to_jsonable_python(rule.written()))
    fields.pop("enabled")
    fields.pop("mode", None)
    return fields if rule.in_mode is Mode.LIVE else fields | {"mode": str(rule.in_mode)}


def _changes(before: Rule, after: Rule) -> Iterator[Field]:
    old, new = (as_written(rule) | {"mode": str(rule.in_mode)} for rule in (before, after))
    if _canonical(old.get("of")) == _canonical(new.get("of")):
        old.pop("of", None)
        new.pop("of", None)
    was, now = dict(_flat("", old)), dict(_flat("", new))
    for path in (*was, *(path for path in now if path not in was)):
        if _canonical(was.get(path)) != _canonical(now.get(path)):
            yield Field(path, was.get(path), now.get(path))


def _without_absent(value: Any) -> Any:
    match value:
        case dict():
            return {name: _without_absent(part) for name, part in value.items() if part is not None}
        case list():
            return [_without_absent(part) for part in value]
        case _:
            return value


def _flat(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Every field that is no object, by its path. A list of plain values is one field."""
    match value:
        case dict():
            for name, part in value.items():
                yield from _flat(f"{path}.{name}" if path else name, part)
        case [dict(), *_]:
            for number, part in enumerate(value):
                yield from _flat(f"{path}[{number}]", part)
        case _:
            yield path, value


def _canonical(value: Any) -> str:
    """The same text for the same value, lists in any order."""
    match value:
        case list():
            return f"[{','.join(sorted(set(map(_canonical, value))))}]"
        case dict():
            return f"{{{','.join(sorted(f'{name}:{_canonical(part)}' for name, part in value.items()))}}}"
        case _:
            return json.dumps(value)
