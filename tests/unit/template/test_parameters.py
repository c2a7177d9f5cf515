"""What each parameter takes, as CloudFormation decides it and as `make deploy` foretells it."""

import pytest

from cli.template_parameters import Parameter, read_parameters
from local.places import TEMPLATE as PATH
from tests.unit.template.checking import ALARMS, TEMPLATE

PARAMETERS = {each.name: each for each in read_parameters(PATH)}

TAKEN = {
    "MaxPauseMs": ["1", "3600000"],
    "AlertEmail": ["a@b.example"],
    "IdentityCallBaseUrl": [
        "https://api.identitycall.ai/api/v1/public",
        "https://api.identitycall.com",
        "https://proxy.example:8443/identitycall/",
        "http://127.0.0.1:8080/api/v1/public",
        "http://localhost",
        "http://host.docker.internal:4567/api/v1/public",
    ],
    "DiscoverySchedule": ["off"],
    "PermissionsBoundary": [
        *("", "arn:aws:iam::123456789012:policy/team/boundary_1", "arn:aws-cn:iam::aws:policy/PowerUserAccess")
    ],
}
REFUSED = {
    "Stage": ["Dev"],
    "Webhook": ["false"],
    "AlertEmail": ["nobody"],
    "MaxPauseMs": ["", "0", "3600001", "5e3", "-5", "٥"],
    "IdentityCallBaseUrl": [
        "http://api.identitycall.ai/api/v1/public",  # the key would travel in the clear
        *("http://127.0.0.1.example/", "http://localhost.example/", "http://localhost@example.com/"),
        *("http://host.docker.internal.example/", "https://user:password@api.identitycall.ai/"),
        *("https://api.identitycall.ai/api?x=1", "https://api.identitycall.ai/api#x", "https:///api"),
        *("ftp://127.0.0.1/", ""),
    ],
    "DiscoverySchedule": [
        *("", "on", "false", "5 minutes", "rate()", "rate(0 minutes)", "rate(5)"),
        *("rate(5 weeks)", "rate(5  minutes)", "rate(05 days)"),
        *("rate(481 minutes)", "rate(57 hours)", "rate(3 days)", "rate(5 minutes) "),
        *("cron()", "cron(x)", "cron(0 6 * * ?)", "cron(0 6 * * ? * *)", "at(2026-11-24T09:00:00)"),
    ],
    "PermissionsBoundary": [
        *(
            "boundary",
            "arn:aws:iam::123456789012:role/boundary",
            "arn:aws:iam::123:policy/x",
            "arn:aws:iam::aws:policy/",
        )
    ],
}


@pytest.mark.parametrize("parameter", PARAMETERS.values(), ids=PARAMETERS)
def test_every_default_is_taken(parameter: Parameter) -> None:
    assert parameter.fault(parameter.default) is None


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in TAKEN.items() for value in values])
def test_a_value_is_taken(name: str, value: str) -> None:
    assert PARAMETERS[name].fault(value) is None


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in REFUSED.items() for value in values])
def test_a_value_is_refused_in_the_template_s_words(name: str, value: str) -> None:
    assert (PARAMETERS[name].fault(value) or "").startswith("must be ")


MINUTE_S, HOUR_S, DAY_S = 60, 3600, 86400


def watching(schedule: str) -> tuple[int, int]:
    """The period in seconds of the alarm that discovery has stopped, and how many of them in a row must be silent."""
    assert PARAMETERS["DiscoverySchedule"].fault(schedule) is None
    alarm = ALARMS["DiscoveryStoppedAlarm"]
    period, count = (
        int(TEMPLATE.resolved(alarm[key], DiscoverySchedule=schedule)) for key in ("Period", "EvaluationPeriods")
    )
    return period, count


@pytest.mark.parametrize(
    ("unit", "unit_s", "longest", "period_s"),
    [("minute", MINUTE_S, 480, 180), ("hour", HOUR_S, 56, 10800), ("day", DAY_S, 2, 10800)],
)
def test_every_rate_that_is_taken_is_watched_for_three_of_its_periods(
    unit: str, unit_s: int, longest: int, period_s: int
) -> None:
    """CloudWatch watches a day at most, or a week in periods of an hour or more."""
    rates = {number: f"rate({number} {unit}{'s' if number > 1 else ''})" for number in range(1500)}
    taken = [number for number, rate in rates.items() if PARAMETERS["DiscoverySchedule"].fault(rate) is None]
    assert taken == list(range(1, longest + 1))
    for number in taken:
        assert watching(rates[number]) == (period_s, 3 * number * unit_s // period_s)
        assert 3 * number * unit_s <= (DAY_S if period_s < HOUR_S else 7 * DAY_S)


@pytest.mark.parametrize("schedule", ["cron(0 6 * * ? *)", "cron(0/15 8-18 ? * MON-FRI *)"])
def test_a_cron_schedule_is_watched_for_a_week(schedule: str) -> None:
    assert watching(schedule) == (10800, 56)


def test_without_a_schedule_there_is_neither_timer_nor_alarm() -> None:
    others = {"Webhook": "on", "AlertEmail": "a@example.com", "OperationsEmail": "a@example.com"}
    present = TEMPLATE.present(DiscoverySchedule="off", **others)
    assert TEMPLATE.resources.keys() - present.keys() == {"DiscoveryTimer", "DiscoveryStoppedAlarm"}
    for key in ("Period", "EvaluationPeriods"):  # CloudFormation evaluates them all the same
        assert isinstance(TEMPLATE.resolved(ALARMS["DiscoveryStoppedAlarm"][key], DiscoverySchedule="off"), str)
