"""What `make deploy` takes for an answer is what CloudFormation would take."""

import pytest

from cli.template_parameters import Parameter, read_parameters
from local.places import TEMPLATE

PARAMETERS = {each.name: each for each in read_parameters(TEMPLATE)}


def test_they_stand_in_the_template_s_order_with_their_defaults() -> None:
    assert next(iter(PARAMETERS)) == "Stage"
    assert PARAMETERS["DiscoverySchedule"].default == "rate(5 minutes)"
    assert PARAMETERS["AlertEmail"].default == ""
    assert (PARAMETERS["Webhook"].default, PARAMETERS["Webhook"].allowed) == ("off", ("off", "on"))


@pytest.mark.parametrize("parameter", PARAMETERS.values(), ids=PARAMETERS)
def test_every_default_is_allowed(parameter: Parameter) -> None:
    assert parameter.fault(parameter.default) is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Stage", "Dev"),
        ("Webhook", "false"),
        ("AlertEmail", "nobody"),
        ("MaxPauseMs", ""),
        ("MaxPauseMs", "0"),
        ("MaxPauseMs", "3600001"),
        ("MaxPauseMs", "5e3"),
        ("MaxPauseMs", "-5"),
        ("MaxPauseMs", "٥"),
        ("IdentityCallBaseUrl", "http://api.identitycall.ai"),
        ("DiscoverySchedule", "5 minutes"),
    ],
)
def test_what_cloudformation_would_refuse_is_refused_with_the_template_s_words(name: str, value: str) -> None:
    assert (PARAMETERS[name].fault(value) or "").startswith("must be ")


@pytest.mark.parametrize(
    ("name", "value"), [("MaxPauseMs", "1"), ("MaxPauseMs", "3600000"), ("AlertEmail", "a@b.example")]
)
def test_the_bounds_are_allowed(name: str, value: str) -> None:
    assert PARAMETERS[name].fault(value) is None
