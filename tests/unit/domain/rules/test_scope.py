"""The scope of a rule: what is in it, what is not, and what nobody knows."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import RulesInvalid
from domain.recording import RecordingDetails
from domain.rules.document import parse_rules
from domain.rules.judge import judge, judge_shadow
from domain.rules.scope import matches
from tests.fakes.make import call, details, pause, pause_rule, rules

CASES = [
    # the scope, the details → None: out of scope; else the fields that are not known
    ({"languages": ["de"]}, {"language": "de"}, ()),
    ({"languages": ["de"]}, {"language": "DE-at"}, ()),
    ({"languages": ["de_AT"]}, {"language": "de-AT"}, ()),
    ({"languages": ["de-AT"]}, {"language": "de"}, None),
    ({"languages": ["de"]}, {"language": "den"}, None),
    ({"languages": ["fr", "de"]}, {"language": "de"}, ()),
    ({"languages": ["de"]}, {"language": None}, ("languages",)),
    ({"languages": ["de"]}, {"language": ""}, ("languages",)),
    ({"recording_names": ["Support*"]}, {"name": "support call 42"}, ()),
    ({"recording_names": ["sales*", "*42"]}, {"name": "Support call 42"}, ()),
    ({"recording_names": ["support"]}, {"name": "Support call 42"}, None),
    ({"recording_names": ["*"]}, {"name": None}, ("recording_names",)),
    ({"longer_than_ms": 60_000}, {"duration_ms": 60_001}, ()),
    ({"longer_than_ms": 60_000}, {"duration_ms": 60_000}, None),
    ({"shorter_than_ms": 60_000}, {"duration_ms": 59_999}, ()),
    ({"shorter_than_ms": 60_000}, {"duration_ms": 60_000}, None),
    ({"longer_than_ms": 1, "shorter_than_ms": 9}, {"duration_ms": None}, ("longer_than_ms", "shorter_than_ms")),
    # One field that is certainly out decides, whatever is not known beside it.
    ({"languages": ["de"], "longer_than_ms": 60_000}, {"language": None, "duration_ms": 5}, None),
    ({"languages": ["de"], "longer_than_ms": 60_000}, {"language": None, "duration_ms": 60_001}, ("languages",)),
]


@pytest.mark.parametrize(("scope", "known", "unknown"), CASES)
def test_a_rule_judges_what_is_in_its_scope_or_may_be(
    scope: dict[str, Any], known: dict[str, Any], unknown: tuple[str, ...] | None
) -> None:
    judged = judge(rules(pause_rule(scope=scope)), call(pause(), known=details(**known)))
    assert [violation.scope_unknown for violation in judged.violations] == ([] if unknown is None else [unknown])


@pytest.mark.parametrize(("found", "unjudged"), [([pause()], ("p",)), ([], ())])
def test_without_details_only_a_call_that_meets_the_condition_is_left_unjudged(
    found: list[dict[str, Any]], unjudged: tuple[str, ...]
) -> None:
    """A shadow rule has no details fetched for it, and outcomes of earlier releases hold none."""
    in_shadow = rules(pause_rule(scope={"languages": ["de"]}, mode="shadow"))
    judged = judge_shadow(in_shadow, call(*found))
    assert (judged.violations, judged.unjudged) == ((), unjudged)


def test_a_rule_out_of_scope_is_judged_whatever_else_is_missing() -> None:
    share = {"id": "s", "when": "silence_too_much", "severity": "info", "share_above": 0.5}
    known = RecordingDetails(language="fr")
    judged = judge(rules(share | {"scope": {"languages": ["de"]}}), call(pause(), known=known))
    assert (judged.violations, judged.unjudged) == ((), ())


ERRORS: dict[str, tuple[Any, str]] = {
    "no object": ([], ": must be an object"),
    "nothing in it": ({}, ": is empty; give one of languages, recording_names, longer_than_ms, shorter_than_ms, or"),
    "a typo": ({"language": ["de"]}, r"\.language: is not a field here; did you mean languages\? Allowed: languages, "),
    "a language that is no list": ({"languages": "de"}, r'\.languages: must be a list, not "de"'),
    "a language that is no text": ({"languages": [1]}, r"\.languages\[0\]: must be a text, not 1"),
    "a glob of 10,000 stars": ({"recording_names": ["*" * 10_000]}, r"\.recording_names\[0\]: must have at most 200"),
    "a negative length": ({"longer_than_ms": -1}, r"\.longer_than_ms: must be at least 0, not -1"),
    "no length between": ({"longer_than_ms": 9, "shorter_than_ms": 10}, r"\.shorter_than_ms: no recording is longer"),
}


@pytest.mark.parametrize(("scope", "fault"), ERRORS.values(), ids=ERRORS)
def test_the_document_is_refused_with_the_place_named(scope: Any, fault: str) -> None:
    with pytest.raises(RulesInvalid, match=rf"rules\[0\]\.scope{fault}"):
        parse_rules(json.dumps({"version": 1, "rules": [pause_rule(scope=scope)]}))


def reference(name: str, glob: str) -> bool:
    """Stars and question marks by trying everything."""
    if not glob:
        return not name
    if glob[0] == "*":
        return any(reference(name[start:], glob[1:]) for start in range(len(name) + 1))
    return bool(name) and glob[0] in {"?", name[0]} and reference(name[1:], glob[1:])


@given(name=st.text("ab\n", max_size=7), glob=st.text("ab*?", max_size=6))
def test_a_glob_matches_what_trying_everything_matches(name: str, glob: str) -> None:
    assert matches(name, glob) is reference(name, glob)


@pytest.mark.parametrize(
    ("name", "glob", "fits"),
    [
        ("Call 7", "call [0-9]", True),
        ("Call x", "call [!0-9]", True),
        ("Call [x]", "call [[]x]", True),
        ("Call [", "call [", True),
        ("a" * 1_000, "*" * 10_000, True),
        # Tried back and forth, this would take longer than the universe has.
        ("a" * 1_000 + "b", "*a" * 5_000 + "*c", False),
        ("ab" * 500, "*a?" * 300 + "c", False),
    ],
)
def test_a_glob_is_matched_as_written_and_without_going_back(name: str, glob: str, fits: bool) -> None:
    assert matches(name, glob) is fits
