"""A webhook's caller, who signs by hand, and the function's receiver between two clients that remember."""

import base64
import hashlib
import hmac
import io
import json
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError, EndpointConnectionError, ReadTimeoutError

from adapters.event_queue import EventQueue
from adapters.parameters import Parameters
from adapters.webhook_gate import WebhookGate
from handlers import receive_webhook
from handlers.receive_webhook import WebhookReceiver
from runtime.metrics import EmfMeter
from runtime.refusals import Refusals
from tests.fakes.clock import FakeClock

QUEUE_URL = "https://sqs.eu-central-1.amazonaws.com/123456789012/events"
PREFIX = "/identitycall-alerts"
STORED = f"{PREFIX}/webhook-secret"
SECRET = "whsec_" + base64.b64encode(b"thirty-two bytes, made for tests").decode()
ANOTHER = "whsec_" + base64.b64encode(b"another key, stored by nobody...").decode()
ANALYSED = '{"type": "recording.analyzed", "data": {"recording_id": 123}}'
CANONICAL = {"recording_id": 123, "source": "webhook"}

ACCEPTED = (202, "Accepted.")
NOT_AUTHORIZED = (401, "Not authorized.")
UNAVAILABLE = (503, "Not taken; please send it again later.")

REFUSED_BY_AWS = ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "AnyOperation")
OUTAGES: list[Exception] = [
    REFUSED_BY_AWS,
    ConnectTimeoutError(endpoint_url=QUEUE_URL),
    ReadTimeoutError(endpoint_url=QUEUE_URL),
    EndpointConnectionError(endpoint_url=QUEUE_URL),
]


class Ssm:
    """Parameter Store with at most one entry; `fault` is raised instead of an answer."""

    def __init__(self, secret: str | None) -> None:
        self.secret = secret
        self.fault: Exception | None = None

    def get_parameters(self, *, Names: list[str], WithDecryption: bool) -> dict[str, Any]:  # noqa: N803 - boto3's
        if self.fault:
            raise self.fault
        assert Names == [STORED]
        assert WithDecryption
        return {"Parameters": [] if self.secret is None else [{"Name": STORED, "Value": self.secret}]}


class Sqs:
    """A queue that keeps what it is sent; `fault` is raised instead of taking it."""

    def __init__(self) -> None:
        self.sent: list[Any] = []
        self.fault: Exception | None = None

    def send_message(self, **message: Any) -> dict[str, Any]:
        if self.fault:
            raise self.fault
        self.sent.append(message)
        return {"MessageId": "1"}


class Webhook:
    """The function at its URL: `post` calls it as Lambda does and returns status and message."""

    def __init__(self, secret: str | None = SECRET) -> None:
        self.ssm = Ssm(secret)
        self.sqs = Sqs()
        self.clock = FakeClock(int(time.time() * 1000))
        self.outages: list[Exception] = []
        parameters = Parameters(self.ssm, PREFIX, ["webhook-secret"], self.clock, self.outages.append)  # type: ignore[arg-type]
        queue = EventQueue(self.sqs, QUEUE_URL)  # type: ignore[arg-type]
        self.receiver = WebhookReceiver(WebhookGate(parameters, self.clock), queue, EmfMeter(), Refusals(self.clock))

    @property
    def enqueued(self) -> list[Any]:
        """The events on the queue; every message holds one, and nothing beside it."""
        assert all(message.keys() == {"QueueUrl", "MessageBody"} for message in self.sqs.sent)
        return [json.loads(message["MessageBody"]) for message in self.sqs.sent]

    def handle(self, event: Any) -> tuple[int, str]:
        answer = self.receiver.handle(event)
        assert answer.keys() == {"statusCode", "headers", "body"}
        assert answer["headers"]["Content-Type"] == "application/json"
        content = json.loads(answer["body"])
        assert content.keys() == {"message"}
        return answer["statusCode"], content["message"]

    def post(self, body: str | bytes, headers: Mapping[str, str]) -> tuple[int, str]:
        return self.handle(event("POST", headers.items(), body))


def event(method: str, headers: Iterable[tuple[str, str]], body: str | bytes | None) -> dict[str, Any]:
    """A request as Lambda delivers it; bytes come as base64."""
    made: dict[str, Any] = {
        "version": "2.0",
        "headers": dict(headers),
        "requestContext": {"http": {"method": method, "path": "/"}},
        "isBase64Encoded": isinstance(body, bytes),
    }
    if body is not None:
        made["body"] = base64.b64encode(body).decode() if isinstance(body, bytes) else body
    return made


def signature(body: str | bytes, secret: str, timestamp: object, message_id: str) -> str:
    """By the specification's own words, without the package."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    content = body if isinstance(body, bytes) else body.encode()
    digest = hmac.digest(key, f"{message_id}.{timestamp}.".encode() + content, hashlib.sha256)
    return f"v1,{base64.b64encode(digest).decode()}"


def signed(
    body: str | bytes = ANALYSED, secret: str = SECRET, *, age_s: int = 0, message_id: str = "msg_1", **others: str
) -> dict[str, str]:
    """The headers of a signed request; `others` replace some, an underscore standing for a hyphen."""
    timestamp = int(time.time()) - age_s
    return {
        "content-type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signature(body, secret, timestamp, message_id),
    } | {name.replace("_", "-"): value for name, value in others.items()}


def bearing(token: str = SECRET, **others: str) -> dict[str, str]:
    """The headers of a request with a token."""
    headers = {"content-type": "application/json", "authorization": f"Bearer {token}"}
    return headers | {name.replace("_", "-"): value for name, value in others.items()}


@contextmanager
def logged_lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[dict[str, Any]]]:
    """What the function logs; filled when the block ends."""
    written, lines = io.StringIO(), list[dict[str, Any]]()
    with monkeypatch.context() as patch:
        patch.setattr(receive_webhook.logger.registered_handler, "stream", written)
        yield lines
    lines += [json.loads(line) for line in written.getvalue().splitlines()]
