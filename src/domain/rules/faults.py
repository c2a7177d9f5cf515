"""The faults of a rules document, each as a path and a sentence: `rules[2].scope.languages`, what is wrong and allowed.

No sentence shows more than a short, printable piece of the document.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Final, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from domain import wording
from domain.rules.document import RuleSet
from domain.rules.kinds.every import KINDS
from domain.rules.kinds.simple import SIMPLE
from domain.rules.rule import CONDITION, Rule
from domain.rules.scope import Scope
from domain.rules.violation import Severity

_SHOWN: Final = 40
_LARGEST: Final = 10**15
_ID: Final = "must be 1 to 64 letters, digits, - and _, with a letter or digit first"
_MUST: Final[Mapping[str, str]] = {
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "int_parsing_size": "must be a whole number",
    "float_type": "must be a number",
    "finite_number": "must be a finite number",
    "dict_type": "must be an object",
    "bool_type": "must be true or false",
    "string_type": "must be a text",
    "tuple_type": "must be a list",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
    "greater_than": "must be more than {gt:,}",
    "greater_than_equal": "must be at least {ge:,}",
    "less_than": "must be less than {lt:,}",
    "less_than_equal": "must be at most {le:,}",
    "string_too_short": "must have at least {min_length:,} characters",
    "string_too_long": "must have at most {max_length:,} characters",
    "string_pattern_mismatch": _ID,
    "too_short": "must have at least {min_length:,} in it",
    "too_long": "must have at most {max_length:,} in it",
}
"""By pydantic's error types; in braces the error's context."""

_KINDS: Final = {get_args(kind.model_fields["when"].annotation)[0]: kind for kind in KINDS}
_Place = Sequence[int | str]


def faults_of(
    error: ValidationError, fields: Callable[[_Place], Sequence[str]] | None = None
) -> tuple[tuple[str, str], ...]:
    """The faults in the order of the document, each a path and a sentence.

    `fields` names those allowed where an unknown one stands; if absent, those of a rules document.
    """
    allowed = fields or _fields
    return tuple(fault for details in error.errors(include_url=False) for fault in _faults(details, allowed))


def blind_faults_of(error: ValidationError, at: str) -> tuple[tuple[str, str], ...]:
    """The same of what may hold people's words, below the path `at`: no sentence shows a piece of it."""
    errors = error.errors(include_url=False, include_input=False)
    return tuple((_joined(at, _path(each["loc"])), _must(each, each.get("ctx", {}))) for each in errors)


def _faults(error: ErrorDetails, fields: Callable[[_Place], Sequence[str]]) -> Iterable[tuple[str, str]]:
    place, context, given = error["loc"], error.get("ctx", {}), error["input"]
    path = _path(place)
    match error["type"]:
        case "refused":
            for below in context["at"] or ("",):
                yield _joined(path, below), context["sentence"]
        case "union_tag_invalid":
            kinds = [kind.strip("'") for kind in context["expected_tags"].split(", ")]
            yield _joined(path, "when"), f"{shown(context['tag'])} is not allowed here{near(context['tag'], kinds)}"
        case "union_tag_not_found":
            if isinstance(given, dict):
                kinds = [name for name, kind in _KINDS.items() if kind in SIMPLE or "of" not in place]
                yield _joined(path, "when"), f"is missing; allowed: {', '.join(kinds)}"
            else:
                yield path or "document", f"must be an object, not {shown(given)}"
        case "missing":
            yield path, "is missing" + (f"; allowed: {', '.join(Severity)}" if place[-1] == "severity" else "")
        case "extra_forbidden":
            yield path, f"is not a field here{near(str(place[-1]), fields(place))}"
        case "enum" | "literal_error":
            allowed = [word.strip("'") for word in context["expected"].replace(" or ", ", ").split(", ")]
            told = near(given, allowed) if isinstance(given, str) else f"; allowed: {', '.join(allowed)}"
            yield path, f"{shown(given)} is not allowed{told}"
        case "too_short" if isinstance(given, list) and len(given) >= context["min_length"]:
            pass  # Items of it are faulty, and told.
        case "json_invalid":
            yield "document", f"is not JSON: {context['error']}"
        case _:
            yield path or "document", f"{_must(error, context)}, not {shown(given)}"


def _must(error: ErrorDetails, context: Mapping[str, object]) -> str:
    """`must be at least 0`"""
    if error["type"] == "missing":
        return "is missing"
    if error["type"] not in _MUST:
        return wording.cut(wording.clean(error["msg"]), 100)
    return _MUST[error["type"]].format(**{name: _plain(limit) for name, limit in context.items()})


def _plain(limit: object) -> object:
    """`1` for 1.0"""
    return int(limit) if isinstance(limit, float) and limit.is_integer() else limit


def _path(place: _Place) -> str:
    """`rules[2].of[1].score_below`: as in the document, so without the union's tags."""
    path, skips = "", False
    for number, part in enumerate(place):
        if part == CONDITION and place[0] == "rules" and number == len(("rules", 0)):
            skips = True
        elif skips:
            skips = False
        elif isinstance(part, int):
            path += f"[{part}]"
            skips = number > 0 and place[number - 1] == "of"
        else:
            path = _joined(path, _piece(part))
    return path


def _joined(path: str, below: str) -> str:
    return f"{path}.{below}" if path and below and below[0] != "[" else path + below


def _fields(place: _Place) -> list[str]:
    """The names that are allowed where an unknown one stands."""
    models: list[type[BaseModel]]
    match place:
        case [_]:
            models = [RuleSet]
        case [_, _, "scope", _]:
            models = [Scope]
        case [_, _, "condition", str(tag), _]:
            models = [Rule, _KINDS[tag]]
        case [*_, str(tag), _] if tag in _KINDS:
            models = [_KINDS[tag]]
        case _:
            return []
    fields = ((name, field.alias) for model in models for name, field in model.model_fields.items())
    return [alias or name for name, alias in fields if name != CONDITION]


def near(given: str, allowed: Sequence[str]) -> str:
    """What is allowed, the nearest of it first: `; did you mean goal_unmet? Allowed: …`"""
    if not allowed:
        return ""
    nearest = get_close_matches(given[:_SHOWN], allowed, 1)
    meant = f"; did you mean {nearest[0]}? Allowed" if nearest else "; allowed"
    return f"{meant}: {', '.join(allowed)}"


def _piece(text: str) -> str:
    return "".join(each if each.isprintable() else "�" for each in wording.cut(wording.clean(text), _SHOWN))


def shown(given: object) -> str:
    """A short, printable piece of a text; a number; of anything else only what it is."""
    match given:
        case None:
            return "null"
        case bool():
            return str(given).lower()
        case str():
            return f'"{_piece(given)}"'
        case int() | float():
            return f"{given}" if abs(given) < _LARGEST else "so large a number"
        case dict():
            return "an object"
        case _:
            return f"a list of {len(given)}" if isinstance(given, list | tuple) else "this"
