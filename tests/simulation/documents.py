"""The rules documents of the seeds, and what each finds in a recording.

The judgement is written independently of the product's, so that each checks the other.
"""

from collections.abc import Callable, Iterator
from typing import Any, Final

from tests.simulation.recordings import LENGTH_MS, Recording, State

MAX_PAUSE_MS: Final = 5_000

Document = dict[str, Any]

DEFAULT_RULES: Final[Document] = {
    "version": 1,
    "rules": [
        {"id": "unmet-goal", "when": "goal_unmet", "severity": "warning"},
        {"id": "long-pause", "when": "pause_too_long", "longer_than_ms": MAX_PAUSE_MS, "severity": "warning"},
    ],
}
DOCUMENTS: Final[tuple[Document, ...]] = (
    DEFAULT_RULES,
    {"version": 1, "rules": [{"id": "weak-goal", "when": "goal_unmet", "severity": "critical", "score_below": 0.4}]},
    {
        "version": 1,
        "rules": [
            {"id": "pauses", "when": "pause_too_long", "longer_than_ms": 3000, "severity": "info"},
            {"id": "silence", "when": "silence_too_much", "longer_than_ms": 7000, "severity": "info"},
        ],
    },
    {
        "version": 1,
        "rules": [
            {"id": "unmet-goal", "when": "goal_unmet", "severity": "critical", "goal_ids": [1, 3]},
            {"id": "long-pause", "when": "pause_too_long", "longer_than_ms": 7000, "severity": "info"},
            {"id": "off", "when": "goal_unmet", "severity": "info", "enabled": False},
        ],
    },
)
_GERMAN: Final = {"languages": ["de"], "longer_than_ms": 60_000}
_UNMET: Final = {"when": "goal_unmet", "score_below": 0.7}
_LONG: Final = {"when": "pause_too_long", "longer_than_ms": 5000}
RICH_DOCUMENTS: Final[tuple[Document, ...]] = (
    {
        "version": 1,
        "rules": [
            {"id": "german", "when": "pause_too_long", "longer_than_ms": 3000, "severity": "info", "scope": _GERMAN},
            {"id": "share", "when": "silence_too_much", "share_above": 0.02, "severity": "warning"},
            {"id": "trial", "when": "goal_unmet", "severity": "critical", "mode": "off"},
        ],
    },
    {
        "version": 1,
        "rules": [
            {"id": "unmet-goal", "when": "goal_unmet", "severity": "warning"},
            {"id": "trial", "when": "pause_too_long", "longer_than_ms": 3000, "severity": "info", "mode": "shadow"},
            {"id": "share", "when": "silence_too_much", "share_above": 0.02, "severity": "info", "mode": "shadow"},
        ],
    },
    {
        "version": 1,
        "rules": [
            {"id": "both", "when": "all", "severity": "critical", "scope": _GERMAN, "of": [_UNMET, _LONG]},
            {"id": "either", "when": "any", "severity": "info", "of": [_UNMET, _LONG]},
            {"id": "trial", "when": "goal_unmet", "severity": "info", "scope": _GERMAN, "mode": "shadow"},
        ],
    },
)
"""With shadow rules, and with rules that read the recording's details."""
INVALID_DOCUMENTS: Final = ("{", '{"version": 2, "rules": []}', '{"version": 1, "rules": [{"id": "x", "when": "?"}]}')


TRIALS: Final = frozenset({"trial"})
"""Ids of rules that are in force in no document: no alert may name them."""


def in_mode(document: Document, mode: str) -> list[Document]:
    return [
        rule for rule in document["rules"] if (rule.get("mode", "live") if rule.get("enabled", True) else "off") == mode
    ]


def reads_goals(document: Document) -> bool:
    return any(
        part["when"] == "goal_unmet" for rule in in_mode(document, "live") for part in (rule, *rule.get("of", ()))
    )


def violations(recording: Recording, state: State, document: Document) -> frozenset[tuple[str, str]]:
    """Rule id and subject of everything that the document's live rules find in a state."""
    return frozenset(_found(recording, state, in_mode(document, "live")))


def in_shadow(
    recording: Recording, state: State, document: Document, *, details_known: bool
) -> tuple[frozenset[tuple[str, str]], frozenset[str]]:
    """Rule id and subject of everything that shadow rules find, and the rules that lack the details."""
    found = frozenset(_found(recording, state, in_mode(document, "shadow")))
    if details_known:
        return found, frozenset()
    without = [{name: rule[name] for name in rule if name != "scope"} for rule in in_mode(document, "shadow")]
    lacking = {rule["id"] for rule in in_mode(document, "shadow") if "scope" in rule or "share_above" in rule}
    silent = not sum(pause.duration_ms for pause in state.pauses if not pause.compliant)
    fires = {rule["id"] for rule in without if _subjects(state, rule) or ("share_above" in rule and not silent)}
    return frozenset(each for each in found if each[0] not in lacking), frozenset(lacking & fires)


def _found(recording: Recording, state: State, rules: list[Document]) -> Iterator[tuple[str, str]]:
    for rule in rules:
        if _in_scope(recording, rule.get("scope", {})):
            yield from ((rule["id"], subject) for subject in _subjects(state, rule))


def _in_scope(recording: Recording, scope: Document) -> bool:
    """All scopes here are `_GERMAN`. A language that is not told counts as in scope."""
    return not scope or recording.language in {"de-DE", None}


def _subjects(state: State, rule: Document) -> list[str]:
    return list(_SUBJECTS[rule["when"]](state, rule))


def _goal_unmet(state: State, rule: Document) -> Iterator[str]:
    for goal in state.goals:
        watched = goal.goal_id in rule.get("goal_ids", [goal.goal_id])
        if not goal.met and watched and goal.score < rule.get("score_below", 2):
            yield f"goal:{goal.goal_id}"


def _pause_too_long(state: State, rule: Document) -> Iterator[str]:
    for pause in state.pauses:
        if not pause.compliant and pause.duration_ms > rule["longer_than_ms"]:
            yield f"pause:{pause.start_ms}-{pause.start_ms + pause.duration_ms}"


def _silence_too_much(state: State, rule: Document) -> Iterator[str]:
    limit_ms = rule["share_above"] * LENGTH_MS if "share_above" in rule else rule["longer_than_ms"]
    if sum(pause.duration_ms for pause in state.pauses if not pause.compliant) > limit_ms:
        yield "silence"


def _all(state: State, rule: Document) -> Iterator[str]:
    if all(_subjects(state, part) for part in rule["of"]):
        yield "call"


def _any(state: State, rule: Document) -> Iterator[str]:
    if any(_subjects(state, part) for part in rule["of"]):
        yield "call"


_SUBJECTS: Final[dict[str, Callable[[State, Document], Iterator[str]]]] = {
    "goal_unmet": _goal_unmet,
    "pause_too_long": _pause_too_long,
    "silence_too_much": _silence_too_much,
    "all": _all,
    "any": _any,
}
