"""Whatever stands in a rules document and in its tests: no traceback, and exit code 0, 1 or 2."""

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from local.places import ROOT
from tests.fakes.ica import ica
from tests.fakes.make import body, goal, goal_rule, keyword, pause, pause_rule

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.just(10**400)
OF_DOCUMENTS = [
    "version",
    "rules",
    "id",
    "when",
    "of",
    "mode",
    "scope",
    "help",
    "condition",
    "keyword_names",
    "languages",
]
OF_TESTS = ["tests", "name", "rule", "results", "file", "details", "expect", "subjects", "data", "goals", "keywords"]
NAMES = st.sampled_from([*OF_DOCUMENTS, *OF_TESTS])
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES | st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)
SAID = {"id": "k", "when": "keyword_said", "keyword_names": ["refund"], "severity": "info", "within_last_ms": 5}
BOTH = {"id": "b", "when": "all", "severity": "info", "of": [{"when": "goal_unmet"}, {"when": "goal_unmet"}]}
RULES = st.sampled_from([goal_rule(scope={"recording_names": ["*[a"]}), pause_rule(), SAID, BOTH])
RESULTS = body(1, goal(), pause()) | {"keywords": [keyword()]}

PACK = ROOT / "rules" / "compliance.json"


@st.composite
def mended(draw: st.DrawFn, valid: Any) -> Any:
    """Something valid, with one of its fields, at any depth, replaced or removed, or a field added."""
    if isinstance(valid, dict) and valid and draw(st.integers(0, 3)):
        name = draw(st.sampled_from(sorted(valid)) | NAMES)
        if name not in valid or not draw(st.integers(0, 4)):
            return {**valid, name: draw(JSON)}
        if not draw(st.integers(0, 6)):
            return {key: value for key, value in valid.items() if key != name}
        return {**valid, name: draw(mended(valid[name]))}
    if isinstance(valid, list) and valid and draw(st.integers(0, 3)):
        place = draw(st.integers(0, len(valid) - 1))
        return [*valid[:place], draw(mended(valid[place])), *valid[place + 1 :]]
    return draw(JSON)


@st.composite
def documents(draw: st.DrawFn) -> Any:
    document = {"version": 1, "rules": draw(st.lists(RULES, max_size=3, unique_by=lambda rule: str(rule["id"])))}
    return draw(st.just(document) | mended(document))


@st.composite
def rule_tests(draw: st.DrawFn) -> Any:
    rule = draw(st.sampled_from(["g", "p", "k", "b"]))
    case = {"name": "a", "rule": rule, "results": RESULTS, "expect": "fires", "subjects": ["goal:1"]}
    tests = {"tests": [case | {"details": {"duration_ms": 1}}]}
    return draw(st.just(tests) | mended(tests))


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


@settings(max_examples=120, deadline=None)
@given(
    document=documents().map(json.dumps) | st.text(max_size=50),
    tests=rule_tests().map(json.dumps) | st.text(max_size=50),
)
def test_no_document_and_no_test_ends_with_a_traceback(folder: Path, document: str, tests: str) -> None:
    path = folder / "rules.json"
    path.write_text(document, encoding="utf-8", errors="surrogatepass")
    (folder / "rules.tests.json").write_text(tests, encoding="utf-8", errors="surrogatepass")
    validated = ica("rules", "validate", path, "-o", "json")
    assert validated.code == (2 if validated.json else 0)
    tried = ica("rules", "test", path, "--junit", folder / "junit.xml")
    assert tried.code in ({2} if validated.json else {0, 1, 2})
    assert bool(tried.err) is (tried.code == 2)
    compared = ica("rules", "diff", path, "--against", PACK)
    assert compared.code == validated.code
    assert ica("rules", "diff", PACK, "--against", path, "-o", "json").code == validated.code


@settings(max_examples=100, deadline=None)
@given(raw=st.binary(max_size=60))
def test_no_bytes_end_with_a_traceback(folder: Path, raw: bytes) -> None:
    path = folder / "bytes.json"
    path.write_bytes(raw)
    assert ica("rules", "validate", path).code in {0, 2}
    good = folder / "good.json"
    good.write_text(json.dumps({"version": 1, "rules": [goal_rule()]}))
    assert ica("rules", "test", good, "--tests", path).code in {1, 2}
