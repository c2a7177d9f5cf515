"""Two documents compared: what judges otherwise is told field by field, and what judges alike is no difference."""

from typing import Any

import pytest

from cli.rules.differences import Changed, Field, differences
from tests.fakes.make import goal_rule, pause_rule, rules

OF: list[dict[str, Any]] = [
    {"when": "goal_unmet", "goal_names": ["A"]},
    {"when": "pause_too_long", "longer_than_ms": 1},
]
BOTH: dict[str, Any] = {"id": "b", "when": "all", "severity": "info", "of": OF}


def test_rules_come_and_go() -> None:
    found = differences(rules(goal_rule(), pause_rule()), rules(pause_rule(), BOTH))
    assert found.added == (BOTH,)
    assert found.removed == (goal_rule(),)
    assert (found.changed, found.reordered, found.none) == ((), False, False)


CHANGES: dict[str, tuple[Any, Any, Field]] = {
    "a number": (pause_rule(), pause_rule(8_000), Field("longer_than_ms", 5_000, 8_000)),
    "a field that came": (pause_rule(), pause_rule(help="Call."), Field("help", None, "Call.")),
    "a field that went": (goal_rule(score_below=0.5), goal_rule(), Field("score_below", 0.5, None)),
    "a mode": (goal_rule(), goal_rule(mode="shadow"), Field("mode", "live", "shadow")),
    "a rule switched off": (goal_rule(), goal_rule(enabled=False), Field("mode", "live", "off")),
    "a field of the scope": (
        goal_rule(scope={"languages": ["de"], "longer_than_ms": 5}),
        goal_rule(scope={"languages": ["fr", "de"], "longer_than_ms": 5}),
        Field("scope.languages", ["de"], ["fr", "de"]),
    ),
    "a condition's field": (
        BOTH,
        BOTH | {"of": [OF[0], OF[1] | {"longer_than_ms": 2}]},
        Field("of[1].longer_than_ms", 1, 2),
    ),
}


@pytest.mark.parametrize(("before", "after", "field"), CHANGES.values(), ids=CHANGES)
def test_a_change_is_told_by_its_field(before: Any, after: Any, field: Field) -> None:
    assert differences(rules(before), rules(after)).changed == (Changed(before["id"], (field,)),)


ALIKE: dict[str, tuple[Any, Any]] = {
    "a default that is written": (goal_rule(), goal_rule(mode="live", enabled=True)),
    "off, in the older word": (goal_rule(enabled=False), goal_rule(mode="off")),
    "names in another order": (goal_rule(goal_names=["A", "B"]), goal_rule(goal_names=["B", "A"])),
    "conditions in another order": (BOTH, BOTH | {"of": OF[::-1]}),
}


@pytest.mark.parametrize(("before", "after"), ALIKE.values(), ids=ALIKE)
def test_what_judges_alike_is_no_difference(before: Any, after: Any) -> None:
    assert differences(rules(before), rules(after)).none


def test_another_order_of_rules_is_told_apart() -> None:
    found = differences(rules(goal_rule(), pause_rule()), rules(pause_rule(), BOTH, goal_rule()))
    assert found.reordered
    assert differences(rules(goal_rule(), pause_rule()), rules(pause_rule(), goal_rule())).none
