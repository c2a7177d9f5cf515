"""DynamoDB with its conditions: items, and an interpreter of the expressions the adapters write.

What it does not know it refuses loudly, so that no expression counts as true by accident.
"""

import re
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, Final

Item = dict[str, Any]
Names = dict[str, str]
Write = Callable[[Item | None, Item], None]
Condition = Callable[[Item, Names, Item], bool]

_TOKEN: Final = re.compile(r"\s*(<=|>=|<>|[=<>(),]|[:#]?[\w.#]+)")
_COMPARISONS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "=": lambda one, other: bool(one == other),
    "<>": lambda one, other: bool(one != other),
    "<": lambda one, other: bool(one < other),
    "<=": lambda one, other: bool(one <= other),
    ">": lambda one, other: bool(one > other),
    ">=": lambda one, other: bool(one >= other),
}


class ConditionFailed(Exception):
    def __init__(self, stored: Item | None) -> None:
        super().__init__("the condition does not hold")
        self.stored = stored


class Table:
    def __init__(self) -> None:
        self.items: dict[tuple[str, str], Item] = {}
        self.on_write: list[Write] = []
        self.on_refused: list[Write] = []
        """Told the stored item, and the values of a write whose condition does not hold."""

    def get(self, key: Item) -> Item | None:
        return self.items.get(_key(key))

    def put(self, item: Item, condition: str | None, names: Names, values: Item) -> None:
        stored = self._checked(item, condition, names, values)
        self._write(stored, item)

    def put_unreadable(self, pk: str, sk: str) -> None:
        """As another release or a person wrote it."""
        self.items[pk, sk] = {"pk": {"S": pk}, "sk": {"S": sk}, "revision": {"N": "1"}, "status": {"S": "unheard of"}}

    def update(self, key: Item, changes: str, condition: str | None, names: Names, values: Item) -> Item | None:
        """The item as it was before."""
        stored = self._checked(key, condition, names, values)
        self._write(stored, {**(stored or key), **_assigned(stored or {}, changes, names, values)})
        return stored

    def _checked(self, key: Item, condition: str | None, names: Names, values: Item) -> Item | None:
        stored = self.get(key)
        if condition is not None and not compiled(condition)(stored or {}, names, values):
            for told in self.on_refused:
                told(stored, values)
            raise ConditionFailed(stored)
        return stored

    def _write(self, stored: Item | None, item: Item) -> None:
        self.items[_key(item)] = item
        for told in self.on_write:
            told(stored, item)


def _key(item: Item) -> tuple[str, str]:
    return item["pk"]["S"], item["sk"]["S"]


def _assigned(stored: Item, changes: str, names: Names, values: Item) -> Item:
    """`SET a = :x, #b = :y, c = c + :z`, the only forms of update there are."""
    if not changes.startswith("SET "):
        raise NotImplementedError(f"update expression {changes!r}")
    assigned: Item = {}
    for change in changes[4:].split(","):
        match change.split():
            case [name, "=", value] if value.startswith(":"):
                assigned[names[name] if name[0] == "#" else name] = values[value]
            case [name, "=", same, "+", value] if same == name and value.startswith(":"):
                assigned[name] = {"N": str(int(stored[name]["N"]) + int(values[value]["N"]))}
            case _:
                raise NotImplementedError(f"update expression {changes!r}")
    return assigned


@cache
def compiled(condition: str) -> Condition:
    """Read a condition: comparisons, `attribute_exists`, `attribute_not_exists`, `AND`, `OR`, `NOT`, parentheses."""
    tokens = _TOKEN.findall(condition)
    if "".join(tokens) != condition.replace(" ", ""):
        raise NotImplementedError(f"condition {condition!r}")
    meaning, rest = _any_of(tokens)
    if rest:
        raise NotImplementedError(f"condition {condition!r}: unexpected {rest[0]!r}")
    return meaning


def _any_of(tokens: Sequence[str]) -> tuple[Condition, Sequence[str]]:
    left, tokens = _all_of(tokens)
    while tokens[:1] == ["OR"]:
        right, tokens = _all_of(tokens[1:])
        left = _either(left, right)
    return left, tokens


def _all_of(tokens: Sequence[str]) -> tuple[Condition, Sequence[str]]:
    left, tokens = _single(tokens)
    while tokens[:1] == ["AND"]:
        right, tokens = _single(tokens[1:])
        left = _both(left, right)
    return left, tokens


def _single(tokens: Sequence[str]) -> tuple[Condition, Sequence[str]]:
    match tokens:
        case ["(", *rest]:
            inner, after = _any_of(rest)
            if after[:1] != [")"]:
                raise NotImplementedError("a condition lacks its closing parenthesis")
            return inner, after[1:]
        case ["NOT", *rest]:
            inner, after = _single(rest)
            return lambda item, names, values: not inner(item, names, values), after
        case ["attribute_not_exists", "(", name, ")", *after]:
            return lambda item, names, _: _named(name, names) not in item, after
        case ["attribute_exists", "(", name, ")", *after]:
            return lambda item, names, _: _named(name, names) in item, after
        case [name, sign, value, *after] if sign in _COMPARISONS and value.startswith(":"):
            return lambda item, names, values: _compare(_found(item, name, names), sign, values[value]), after
        case _:
            raise NotImplementedError(f"condition part {' '.join(tokens)!r}")


def _either(left: Condition, right: Condition) -> Condition:
    return lambda item, names, values: left(item, names, values) or right(item, names, values)


def _both(left: Condition, right: Condition) -> Condition:
    return lambda item, names, values: left(item, names, values) and right(item, names, values)


def _named(name: str, names: Names) -> str:
    return names[name] if name[0] == "#" else name


def _found(item: Item, path: str, names: Names) -> Item | None:
    """The value at a path such as `alert.#state`."""
    first, *inner = (_named(name, names) for name in path.split("."))
    found = item.get(first)
    for name in inner:
        found = found["M"].get(name) if found and "M" in found else None
    return found


def _compare(found: Item | None, sign: str, wanted: Item) -> bool:
    """An attribute that is missing or of another type compares as false, as in DynamoDB."""
    if found is None or found.keys() != wanted.keys():
        return sign == "<>"
    ((kind, one),) = found.items()
    other = wanted[kind]
    return _COMPARISONS[sign](float(one), float(other)) if kind == "N" else _COMPARISONS[sign](one, other)
