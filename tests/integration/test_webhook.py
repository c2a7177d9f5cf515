"""The webhook's function as it is wired, against an AWS account: one secret read, one message sent."""

import json
import socket
from collections.abc import Iterator

import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext

from handlers import receive_webhook
from tests.fakes.webhook import ANALYSED, ANOTHER, SECRET, event, signed
from tests.integration.aws import Aws

PREFIX = "/identitycall-alerts"
ENTRY = f"{PREFIX}/webhook-secret"


@pytest.fixture(autouse=True)
def function(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A function that has just been started."""
    monkeypatch.setenv("PARAMETER_PREFIX", PREFIX)
    monkeypatch.setenv("EVENT_QUEUE_URL", aws.queue_url)
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "IdentityCallAlerts")
    receive_webhook.worker.cache_clear()
    yield
    receive_webhook.worker.cache_clear()


def call(headers: dict[str, str], body: str = ANALYSED) -> int:
    answer = receive_webhook.lambda_handler(event("POST", headers.items(), body), LambdaContext())
    return int(answer["statusCode"])


def test_a_signed_event_is_one_message_on_the_queue(aws: Aws) -> None:
    aws.put_parameter(ENTRY, f"{ANOTHER} {SECRET}")
    aws.calls.clear()
    assert call(signed()) == 202
    assert aws.calls.names == ["ssm.GetParameters", "sqs.SendMessage"]
    [message] = aws.messages(aws.queue_url)
    assert json.loads(message["Body"]) == {"recording_id": 123, "source": "webhook"}
    assert "MessageAttributes" not in message


@pytest.mark.parametrize("service", ["SQS", "SSM"])
def test_a_service_that_refuses_connections_is_503(aws: Aws, monkeypatch: pytest.MonkeyPatch, service: str) -> None:
    aws.put_parameter(ENTRY, SECRET)
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    monkeypatch.setenv(f"AWS_ENDPOINT_URL_{service}", f"http://127.0.0.1:{port}")
    if service == "SQS":
        monkeypatch.setenv("EVENT_QUEUE_URL", f"http://127.0.0.1:{port}/1/events")
    assert call(signed()) == 503
