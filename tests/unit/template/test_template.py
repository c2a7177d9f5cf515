"""template.yaml passes every check of this folder, each check finds its breakages, and what it speaks of exists."""

import re
from typing import Any

import pytest
from pydantic import BaseModel

from runtime.settings import BacktestSettings, DiscoverySettings, EvaluationSettings, NotifierSettings, WebhookSettings
from tests.unit.template import alarms, dead_letters, email, permissions, public_url, set_up
from tests.unit.template.checking import ALARMS, BREAKAGES, PROJECT, TEMPLATE, Check, broken

assert all((alarms, dead_letters, email, permissions, public_url, set_up))  # imported to register their checks


@pytest.mark.parametrize("check", BREAKAGES, ids=lambda check: check.__name__)
def test_the_template_has_no_fault(check: Check) -> None:
    assert list(check(TEMPLATE)) == []


@pytest.mark.parametrize(
    ("check", "path", "value"),
    [(check, path, value) for check, breakages in BREAKAGES.items() for path, value in breakages],
)
def test_a_check_finds_the_broken_entry(check: Check, path: str, value: Any) -> None:
    assert list(check(broken(path, value))) != []


@pytest.mark.parametrize(
    ("function", "settings"),
    [
        ("EvaluationFunction", EvaluationSettings),
        ("SlackFunction", NotifierSettings),
        ("WebhookFunction", WebhookSettings),
        ("DiscoveryFunction", DiscoverySettings),
        ("BacktestFunction", BacktestSettings),
    ],
)
def test_a_function_is_given_exactly_the_settings_it_reads(function: str, settings: type[BaseModel]) -> None:
    given = TEMPLATE.functions[function]["Environment"]["Variables"].keys()
    powertools = {"POWERTOOLS_SERVICE_NAME", "POWERTOOLS_METRICS_NAMESPACE"}  # read by Powertools itself
    assert given >= powertools
    assert given - powertools == {name.upper() for name in settings.model_fields}


def anchors(markdown: str) -> set[str]:
    """The anchors that GitHub gives to a page's headings."""
    headings = re.findall(r"^#+ (.+?)\s*$", markdown, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("alarm", ALARMS)
def test_the_runbook_has_the_page_an_alarm_names(alarm: str) -> None:
    runbook = (PROJECT / "docs" / "operations.md").read_text(encoding="utf-8")
    assert alarms.runbook_anchor(ALARMS[alarm]) in anchors(runbook)


OUR_METRICS = [alarm for alarm, properties in ALARMS.items() if properties.get("Namespace") == "IdentityCallAlerts"]


@pytest.mark.parametrize("alarm", OUR_METRICS)
def test_the_functions_emit_what_an_alarm_watches(alarm: str) -> None:
    properties = ALARMS[alarm]
    words = [value for name, value in alarms.dimensions(properties).items() if name != "service"]
    source = "\n".join(file.read_text(encoding="utf-8") for file in (PROJECT / "src").rglob("*.py"))
    assert [w for w in [properties["MetricName"], *words] if f'"{w}"' not in source] == []
