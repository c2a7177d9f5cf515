"""The environment as each function's settings: everything wrong is named at once."""

import pytest
from pydantic import ValidationError

from runtime.settings import DiscoverySettings, EvaluationSettings, NotifierSettings

Settings = type[EvaluationSettings] | type[NotifierSettings] | type[DiscoverySettings]

EVALUATION = {
    "PARAMETER_PREFIX": "/alerts",
    "IDENTITYCALL_BASE_URL": "https://api.identitycall.ai/api/v1/public",
    "MAX_PAUSE_MS": "5000",
    "REQUESTS_PER_MINUTE": "60",
    "OUTCOME_TABLE_NAME": "outcomes",
    "OUTCOME_RETENTION_DAYS": "365",
    "ALERT_TOPIC_ARN": "arn:aws:sns:eu-central-1:123456789012:alerts",
    "EVENT_QUEUE_URL": "https://sqs/events",
    "EVENT_DEAD_LETTER_QUEUE_URL": "https://sqs/dead",
}
SLACK = {
    "PARAMETER_PREFIX": "/alerts",
    "OUTCOME_TABLE_NAME": "outcomes",
    "OUTCOME_RETENTION_DAYS": "365",
    "SLACK_QUEUE_URL": "https://sqs/slack",
    "SLACK_DEAD_LETTER_QUEUE_URL": "https://sqs/dead",
    "EMAIL_TOPIC_ARN": "",
}

DISCOVERY = {
    "PARAMETER_PREFIX": "/alerts",
    "IDENTITYCALL_BASE_URL": "https://api.identitycall.ai/api/v1/public",
    "REQUESTS_PER_MINUTE": "60",
    "OUTCOME_TABLE_NAME": "outcomes",
    "OUTCOME_RETENTION_DAYS": "30",
    "EVENT_QUEUE_URL": "https://sqs/events",
    "DISCOVERY_LOOKBACK_HOURS": "720",
}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in {*EVALUATION, *SLACK, *DISCOVERY, "AWS_ENDPOINT_URL"}:
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


def fill(environment: pytest.MonkeyPatch, values: dict[str, str]) -> None:
    for name, value in values.items():
        environment.setenv(name, value)


@pytest.mark.parametrize(
    ("settings", "values"),
    [(EvaluationSettings, EVALUATION), (NotifierSettings, SLACK), (DiscoverySettings, DISCOVERY)],
)
def test_each_variable_is_read(
    environment: pytest.MonkeyPatch,
    settings: Settings,
    values: dict[str, str],
) -> None:
    fill(environment, values)
    read = settings.from_environment().model_dump(exclude_defaults=True)
    assert {name.upper(): str(value) for name, value in read.items()} == values


def test_outcomes_are_kept_at_least_as_long_as_discovery_looks_back(environment: pytest.MonkeyPatch) -> None:
    fill(environment, DISCOVERY | {"OUTCOME_RETENTION_DAYS": "29"})
    with pytest.raises(ValidationError, match=r"OutcomeRetentionDays \(29 days\) is shorter than DiscoveryLookback"):
        DiscoverySettings.from_environment()


def test_every_missing_variable_is_named(environment: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValidationError) as refused:
        EvaluationSettings.from_environment()
    named = {str(fault["loc"][0]).upper() for fault in refused.value.errors()}
    assert named == set(EVALUATION)


WRONG = {
    "IDENTITYCALL_BASE_URL": ["http://api.identitycall.ai", ""],
    "PARAMETER_PREFIX": ["alerts"],
    "MAX_PAUSE_MS": ["-1", "5 s"],
    "REQUESTS_PER_MINUTE": ["0", "many"],
    "OUTCOME_RETENTION_DAYS": ["0"],
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in WRONG.items() for value in values])
def test_a_wrong_value_is_refused_by_its_name(environment: pytest.MonkeyPatch, name: str, value: str) -> None:
    fill(environment, EVALUATION | {name: value})
    with pytest.raises(ValidationError) as refused:
        EvaluationSettings.from_environment()
    assert [fault["loc"] for fault in refused.value.errors()] == [(name.lower(),)]
