"""A sender of webhooks: signs after the Standard Webhooks specification, and calls the URL of the local stack.

Signing is the package's, so what the function accepts is what real senders send; the tests sign by hand once more.
"""

from __future__ import annotations

import base64
import http
import http.client
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from standardwebhooks.webhooks import Webhook

from local.deployment import Deployment
from local.places import LocalStackError

FUNCTION = "WebhookFunction"
ENTRY = "webhook-secret"
SECRET = "whsec_b25seSBmb3IgdGhlIGxvY2FsIHN0YWNrLCBub3RoaW5nIGVsc2U="  # noqa: S105 - of this machine's stack alone
ANOTHER_SECRET = "whsec_c3RvcmVkIG5vd2hlcmUsIHNvIG5vdGhpbmcgaXMgYWNjZXB0ZWQ="  # noqa: S105 - stored nowhere
ANSWERED_WITHIN_SECONDS = 35  # more than the function may take

NOW, SIGNATURE = "{now}", "{signature}"
"""The placeholder of an event file for a signature made at the time of sending: it is valid for five minutes."""


@dataclass(frozen=True)
class Reply:
    status: int
    headers: dict[str, str]
    body: str

    @property
    def message(self) -> str:
        return str(json.loads(self.body)["message"])


def signed(body: str, secret: str = SECRET, *, message_id: str | None = None) -> dict[str, str]:
    """The headers of a signed request."""
    message_id = message_id or f"msg_{secrets.token_hex(8)}"
    moment = datetime.now(tz=UTC).replace(microsecond=0)
    return {
        "content-type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": Webhook(secret).sign(message_id, moment, body),
    }


def call(
    stack: Deployment, body: str | bytes | None, headers: Mapping[str, str] | None = None, method: str = "POST"
) -> Reply:
    """Call the webhook's URL. Its host resolves nowhere, so it is named to the emulator as a header."""
    url = urlsplit(stack.outputs["WebhookUrl"])
    emulator = urlsplit(stack.emulator.endpoint)
    connection = http.client.HTTPConnection(str(emulator.hostname), emulator.port, timeout=ANSWERED_WITHIN_SECONDS)
    try:
        content = body.encode() if isinstance(body, str) else body
        connection.request(method, url.path or "/", content, {"Host": url.netloc, **(headers or {})})
        answer = connection.getresponse()
        return Reply(
            answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read().decode()
        )
    finally:
        connection.close()


def announce(stack: Deployment, recording: int | str) -> None:
    """Say by a signed webhook that a recording was analysed, as a sender does."""
    body = json.dumps({"type": "recording.analyzed", "data": {"recording_id": recording}})
    reply = call(stack, body, signed(body))
    if reply.status != http.HTTPStatus.ACCEPTED:
        raise LocalStackError(f"The webhook of recording {recording} was answered with {reply.status}: {reply.body}")


def sent_now(event: Any, secret: str = SECRET) -> Any:
    """An event of a file as it arrives now: signed, and of this moment, where the file has a placeholder."""
    headers = event.get("headers") if isinstance(event, dict) else None
    if not headers or NOW not in headers.values():
        return event
    body = base64.b64decode(event["body"]).decode() if event["isBase64Encoded"] else event["body"]
    fresh = signed(body, secret, message_id=headers["webhook-id"])
    made = {NOW: fresh["webhook-timestamp"], SIGNATURE: fresh["webhook-signature"]}
    return event | {"headers": {name: made.get(value, value) for name, value in headers.items()}}
