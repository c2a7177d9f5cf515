"""The entrances: each builds its worker from the environment, once, and imports only what it needs."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from handlers import discover_recordings, evaluate_recordings, notify_slack
from runtime.outside import Outside
from tests.fakes.sqs import batch, failures
from tests.integration.aws import REGION, Aws
from tests.integration.workers import context, settings

SOURCES = Path(__file__).parents[2] / "src"
ENTRANCES = [evaluate_recordings, notify_slack, discover_recordings]


@pytest.fixture
def environment(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """The variables of all functions at once."""
    variables = {name.upper(): str(value) for name, value in settings(aws).items()} | {"AWS_DEFAULT_REGION": REGION}
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    for entrance in ENTRANCES:
        entrance.worker.cache_clear()
    yield monkeypatch
    for entrance in ENTRANCES:
        entrance.worker.cache_clear()


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize(
    ("entrance", "answer"),
    [
        (evaluate_recordings, failures()),
        (notify_slack, failures()),
        (
            discover_recordings,
            {"result": "stopped_early", "reason": "no_api_key", "pages": 1, "discovered": 0, "missed": 0},
        ),
    ],
)
def test_an_entrance_answers_with_a_worker_that_it_keeps(entrance: Any, answer: Any) -> None:
    """`tests/runtime` shows what the functions do."""
    assert entrance.lambda_handler(batch("not JSON"), context()) == answer
    assert entrance.worker() is entrance.worker()


@pytest.mark.usefixtures("environment")
def test_every_client_gives_up_within_an_invocation(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Any] = []
    original = aws.session().client

    def remember(*args: Any, **options: Any) -> Any:
        made.append(original(*args, **options))
        return made[-1]

    monkeypatch.setattr(aws.session(), "client", remember)
    for entrance in ENTRANCES:
        entrance.worker()
    assert {client.meta.service_model.service_name for client in made} == {"dynamodb", "sns", "sqs", "ssm"}
    for config in (client.meta.config for client in made):
        assert config.retries["total_max_attempts"] * (config.connect_timeout + config.read_timeout) < 30


def test_a_missing_variable_is_named(environment: pytest.MonkeyPatch) -> None:
    environment.delenv("ALERT_TOPIC_ARN")
    with pytest.raises(ValidationError, match="alert_topic_arn"):
        evaluate_recordings.worker()


def test_the_clocks_are_the_machine_s() -> None:
    """Epoch milliseconds, and seconds that are never set back."""
    outside = Outside()
    assert time.time() * 1_000 - 1 <= outside.now_ms() <= time.time() * 1_000 + 1
    assert time.monotonic() <= outside.monotonic() + 1 <= time.monotonic() + 1


NOT_IMPORTED = {
    "evaluate_recordings": {"slack_sdk", "domain.rules.kinds.every"},
    "notify_slack": {"requests", "domain.rules.kinds.every"},
    "receive_webhook": {
        *("requests", "slack_sdk", "adapters.identitycall.client", "adapters.dynamodb.outcome_table"),
        "aws_lambda_powertools.utilities.batch",
    },
}
"""What only the other functions need, and what waits for the first rules document or alert."""


@pytest.mark.parametrize("entrance", NOT_IMPORTED)
def test_an_import_needs_no_environment_and_brings_no_more_than_is_needed(entrance: str) -> None:
    program = f"import handlers.{entrance}, json, sys; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=SOURCES, env={}, capture_output=True, text=True, check=True, timeout=60
    )
    loaded = set(json.loads(done.stdout))
    assert "aws_lambda_powertools" in loaded
    assert loaded & NOT_IMPORTED[entrance] == set()
