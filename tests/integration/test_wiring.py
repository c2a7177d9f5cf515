"""The composition root: both workers from an environment, and functions that start with nothing done at import."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import responses
from pydantic import ValidationError

from handlers import evaluate_recordings, notify_slack
from runtime.clock import now_ms
from tests.fakes.make import alert, body, goal
from tests.integration.conftest import REGION, TABLE, Aws
from tests.integration.socket_server import raw_server, says
from tests.integration.test_evaluation_worker import NOTHING_FAILED, batch
from tests.integration.workers import API, KEY, PREFIX, Vendor, context

SOURCES = Path(__file__).parents[2] / "src"


@pytest.fixture
def environment(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """Both functions' variables at once, as the template gives them to each."""
    variables = {
        "AWS_DEFAULT_REGION": REGION,
        "POWERTOOLS_METRICS_NAMESPACE": "IdentityCallAlerts",
        "POWERTOOLS_SERVICE_NAME": "alerts",
        "PARAMETER_PREFIX": PREFIX,
        "OUTCOME_TABLE_NAME": TABLE,
        "OUTCOME_RETENTION_DAYS": "365",
        "IDENTITYCALL_BASE_URL": API,
        "MAX_PAUSE_MS": "5000",
        "REQUESTS_PER_MINUTE": "60",
        "ALERT_TOPIC_ARN": aws.topic_arn,
        "EVENT_QUEUE_URL": aws.queue_url,
        "EVENT_DEAD_LETTER_QUEUE_URL": aws.dead_letter_url,
        "SLACK_QUEUE_URL": aws.queue_url,
        "SLACK_DEAD_LETTER_QUEUE_URL": aws.dead_letter_url,
        "EMAIL_CONFIGURED": "false",
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    for build in (evaluate_recordings.worker, notify_slack.worker):
        build.cache_clear()
    yield monkeypatch
    for build in (evaluate_recordings.worker, notify_slack.worker):
        build.cache_clear()


@pytest.mark.usefixtures("environment")
def test_the_evaluation_function_judges_saves_and_publishes(aws: Aws) -> None:
    aws.put_parameter(f"{PREFIX}/api-key", KEY)
    given = batch({"recording_id": 123}, sent_ms=now_ms())
    with responses.RequestsMock() as mock:
        Vendor(mock).says(123, body(123, goal()))
        assert evaluate_recordings.lambda_handler(given, context()) == NOTHING_FAILED
    item = aws.item("RECORDING#123")
    assert (item["status"], item["alert"]["M"]["state"]) == ({"S": "violations"}, {"S": "published"})
    assert len(aws.messages(aws.subscriber_url)) == 1


@pytest.mark.usefixtures("environment")
def test_the_slack_function_posts(aws: Aws) -> None:
    with raw_server() as slack:
        slack.answers(says(b"ok"))
        aws.put_parameter(f"{PREFIX}/slack-webhook-url", f"{slack.url}/services/T/B/secret")
        given = batch(alert().model_dump_json(), sent_ms=now_ms())
        assert notify_slack.lambda_handler(given, context()) == NOTHING_FAILED
        assert len(slack.requests) == 1


@pytest.mark.usefixtures("environment")
def test_a_worker_is_built_once_and_kept() -> None:
    assert evaluate_recordings.worker() is evaluate_recordings.worker()
    assert notify_slack.worker() is notify_slack.worker()


@pytest.mark.usefixtures("environment")
def test_every_client_gives_up_within_an_invocation(aws: Aws) -> None:
    made: list[Any] = []
    session = aws.session()
    original = session.client

    def remember(*args: Any, **options: Any) -> Any:
        made.append(original(*args, **options))
        return made[-1]

    session.client = remember  # type: ignore[method-assign]
    evaluate_recordings.worker()
    notify_slack.worker()
    assert {client.meta.service_model.service_name for client in made} == {"dynamodb", "sns", "sqs", "ssm"}
    for client in made:
        config = client.meta.config
        attempts = config.retries["total_max_attempts"]
        assert attempts * (config.connect_timeout + config.read_timeout) < 30


@pytest.mark.parametrize("missing", ["OUTCOME_TABLE_NAME", "ALERT_TOPIC_ARN", "IDENTITYCALL_BASE_URL"])
def test_a_missing_variable_is_named(environment: pytest.MonkeyPatch, missing: str) -> None:
    environment.delenv(missing)
    with pytest.raises(ValidationError, match=missing.lower()):
        evaluate_recordings.worker()


def loaded_by(module: str) -> set[str]:
    """The top-level packages that importing a handler loads, in a process without any environment."""
    program = f"import {module}, json, sys; print(json.dumps(sorted({{name.split('.')[0] for name in sys.modules}})))"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=SOURCES, env={}, capture_output=True, text=True, check=True, timeout=60
    )
    return set(json.loads(done.stdout))


@pytest.mark.parametrize("module", ["handlers.evaluate_recordings", "handlers.notify_slack"])
def test_importing_a_handler_needs_no_environment(module: str) -> None:
    assert "aws_lambda_powertools" in loaded_by(module)


def test_neither_function_pays_for_what_only_the_other_uses() -> None:
    assert "slack_sdk" not in loaded_by("handlers.evaluate_recordings")
    assert "requests" not in loaded_by("handlers.notify_slack")
