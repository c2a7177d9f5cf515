"""Checks of template.yaml that neither cfn-lint nor checkov makes, each with the breakages that it must find.

A check yields the faults it finds, as sentences. It reads the SAM template itself, before SAM transforms it.
"""

import copy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests.unit.template.reading import Node, Template

Check = Callable[[Template], Iterator[str]]

PROJECT = Path(__file__).parents[3]
TEMPLATE = Template.read(PROJECT / "template.yaml")
ALARMS = TEMPLATE.of_type("AWS::CloudWatch::Alarm")

BREAKAGES: dict[Check, list[tuple[str, Any]]] = {}
DROPPED = object()
"""In a breakage: the entry is taken out."""


def finds(*breakages: tuple[str, Any]) -> Callable[[Check], Check]:
    """Register a check with the breakages that it must find: the path of an entry, and the value put there.

    A path starts at Resources, or with a slash at the top of the template.
    """

    def register(check: Check) -> Check:
        BREAKAGES[check] = list(breakages)
        return check

    return register


def broken(path: str, value: Any) -> Template:
    """The real template with one entry replaced or dropped."""
    document: Node = copy.deepcopy(TEMPLATE.document)
    *parents, last = path[1:].split("/") if path.startswith("/") else ["Resources", *path.split("/")]
    node: Any = document
    for parent in parents:
        node = node[int(parent) if isinstance(node, list) else parent]
    key = int(last) if isinstance(node, list) else last
    if value is DROPPED:
        del node[key]
    else:
        node[key] = value
    return Template(document)


def statements_of(role: str) -> str:
    """The path of a role's statements."""
    return f"{role}/Properties/Policies/0/PolicyDocument/Statement"
