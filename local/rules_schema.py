"""`make schema`: docs/rules.schema.json, for editors, made from the models that read a rules document.

A JSON Schema cannot say all that the models check, such as two fields that exclude each other.
"""

from __future__ import annotations

import json
from typing import Any

from domain.rules.document import RuleSet
from domain.rules.rule import CONDITION
from local.places import ROOT

PATH = ROOT / "docs" / "rules.schema.json"


def schema_text() -> str:
    return json.dumps(rules_schema(), indent=2, ensure_ascii=False) + "\n"


def rules_schema() -> dict[str, Any]:
    """The document's schema. A rule and its condition are one object there, so each kind has a rule of its own."""
    whole = _untitled(RuleSet.model_json_schema())
    models: dict[str, Any] = whole.pop("$defs")
    rule = models.pop("Rule")
    kinds = rule["properties"].pop(CONDITION)["discriminator"]["mapping"]
    rules = {f"Rule_{kind}": _joined(rule, models[place.rsplit("/", 1)[1]]) for kind, place in kinds.items()}
    whole["properties"]["rules"]["items"] = {"anyOf": [{"$ref": f"#/$defs/{name}"} for name in rules]}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Alert rules of IdentityCall Alerts",
        **whole,
        "$defs": rules | models,
    }


def _joined(rule: dict[str, Any], condition: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "description": condition["description"],
        "properties": rule["properties"] | condition["properties"],
        "required": [name for name in rule["required"] if name != CONDITION] + condition["required"],
        "additionalProperties": False,
    }


def _untitled(schema: Any) -> Any:
    """Without the titles, which repeat each name."""
    match schema:
        case dict():
            return {name: _untitled(part) for name, part in schema.items() if name != "title"}
        case list():
            return [_untitled(part) for part in schema]
        case _:
            return schema


if __name__ == "__main__":
    PATH.write_text(schema_text(), encoding="utf-8")
    print(f"{PATH.relative_to(ROOT)} is in step with the models")
