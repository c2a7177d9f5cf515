"""Webhooks at the deployed function's public URL, from the request to the alert in Slack. IAM is enforced."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from local import webhooks
from local.observation import mentions
from local.slack_stub import SlackMessage
from local.stack import LocalStack
from tests.e2e.conftest import MakeRecording

ROOT = Path(__file__).parents[2]


def analysed(recording_id: int) -> str:
    return json.dumps({"type": "recording.analyzed", "data": {"recording_id": recording_id}})


def answer(
    stack: LocalStack, body: str | bytes | None, headers: dict[str, str], method: str = "POST"
) -> tuple[int, str]:
    reply = webhooks.call(stack, body, headers, method)
    assert reply.headers["content-type"] == "application/json"
    return reply.status, reply.message


def in_slack(stack: LocalStack, recording_id: int) -> list[SlackMessage]:
    return [message for message in stack.slack.messages() if mentions(message, recording_id)]


def sources(stack: LocalStack, recording_id: int) -> list[Any]:
    """The source its outcome names, once there is one."""
    return [outcome["source"] for outcome in [stack.outcome(recording_id)] if outcome]


def test_a_signed_webhook_ends_in_slack(stack: LocalStack, make_recording: MakeRecording) -> None:
    recording = make_recording()
    body = analysed(recording.id)
    assert answer(stack, body, webhooks.signed(body)) == (202, "Accepted.")
    stack.wait_for("its message in Slack", lambda: in_slack(stack, recording.id))
    assert sources(stack, recording.id) == ["webhook"]


@pytest.mark.parametrize("shell", ["bash", "sh"])
def test_the_readme_s_curl_line_signs(stack: LocalStack, make_recording: MakeRecording, shell: str) -> None:
    """Pasted as it stands, with the URL and the secret of this stack."""
    recording = make_recording()
    readme = (ROOT / "README.md").read_text()
    blocks = re.findall(r"^```\w*\n(.*?)^```$", readme, re.DOTALL | re.MULTILINE)
    block = next(block for block in blocks if "curl" in block)
    url_id = stack.outputs["WebhookUrl"].removeprefix("https://").partition(".")[0]
    url = f"{stack.emulator.endpoint}/_aws/lambda-url/{url_id}/"
    script = re.sub(r"(?m)^URL=.*$", f"URL='{url}'", re.sub(r"(?m)^SECRET=.*$", f"SECRET='{webhooks.SECRET}'", block))
    script = script.replace('"recording_id": 123', f'"recording_id": {recording.id}')
    shown = subprocess.run([shell, "-c", script], capture_output=True, text=True, check=True).stdout
    assert shown.startswith("HTTP/1.1 202")
    stack.wait_for("its outcome", lambda: stack.outcome(recording.id))
