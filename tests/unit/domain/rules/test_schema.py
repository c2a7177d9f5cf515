"""docs/rules.schema.json and docs/rules.md: in step with the models that read a document."""

import json
import re
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped] # it ships no types

from domain.rules.document import parse_rules
from domain.rules.kinds.every import KINDS
from local.places import ROOT
from local.rules_schema import PATH, rules_schema, schema_text
from tests.fakes.make import goal_rule, pause_rule

PAGE = (ROOT / "docs" / "rules.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)


def accepted(document: Any) -> bool:
    return bool(Draft202012Validator(rules_schema()).is_valid(document))


def test_the_schema_beside_the_page_is_made_from_the_models() -> None:
    assert PATH.read_text(encoding="utf-8") == schema_text(), "make schema"


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_of_the_page_is_a_document_that_works(example: str) -> None:
    assert parse_rules(example).rules
    assert accepted(json.loads(example))


@pytest.mark.parametrize("kind", KINDS)
def test_the_page_names_every_kind_and_field(kind: Any) -> None:
    (when,) = kind.model_fields["when"].annotation.__args__
    (row,) = re.findall(rf"^\| `{when}` .*", PAGE, re.MULTILINE)
    assert [name for name in kind.model_fields if name != "when" and f"`{name}`" not in row] == []


@pytest.mark.parametrize(
    "rule",
    [
        goal_rule(score_below=1.5),
        goal_rule(when="goal_met"),
        pause_rule(goal_ids=[1]),
        pause_rule(scope={"language": ["de"]}),
        pause_rule(mode="on"),
        pause_rule(help="x" * 201),
        {"id": "a", "severity": "info", "when": "any", "of": [{"when": "goal_unmet"}]},
        {"id": "a", "severity": "info", "when": "any", "of": [{"when": "goal_unmet", "id": "x"}] * 2},
    ],
)
def test_an_editor_marks_what_the_product_refuses(rule: dict[str, Any]) -> None:
    assert not accepted({"version": 1, "rules": [rule]})
