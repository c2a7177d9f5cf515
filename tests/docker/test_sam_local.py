"""`sam local invoke` and `sam local start-lambda` in real containers, on the stack of `make up`: `make test-docker`.

Not part of `make test`: it needs a Docker daemon, and AWS's image for Lambda. Where that image cannot be pulled,
`make test-docker IMAGE=name:tag` takes another one for this machine's Python.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from local.emulator import Interpreter
from local.places import LOOPBACK, ROOT
from local.ports import DEFAULT_PORT, Ports
from local.running_stack import RunningStack, is_up
from local.slack_stub import SlackStub

PORTS = Ports.starting_at(DEFAULT_PORT)
SAM = str(ROOT / ".tools" / "sam" / "bin" / "sam")
MACHINE = Interpreter.of_emulator()
OVERRIDES = ["--parameter-overrides", f"PythonRuntime={MACHINE.runtime}", f"Architecture={MACHINE.architecture}"]
ENVIRONMENT = {
    # With keys of a developer's own, which the emulator does not know: so it is on most machines.
    **os.environ,
    "AWS_ACCESS_KEY_ID": "AKIADEVELOPERSOWNKEY",
    "AWS_SECRET_ACCESS_KEY": "none",
    "AWS_SESSION_TOKEN": "none",
    "PATH": os.pathsep.join([str(ROOT / ".tools" / "emulator" / "bin"), os.environ["PATH"]]),
    "SAM_CLI_TELEMETRY": "0",
}


def image() -> list[str]:
    name = os.environ.get("IMAGE")
    return ["--invoke-image", name, "--skip-pull-image"] if name else []


def sam(*arguments: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [SAM, *arguments, *OVERRIDES],
        cwd=ROOT,
        env=ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    return done


def invoke(function: str, event: str) -> tuple[Any, list[dict[str, Any]]]:
    """The function's answer, and the errors of its log."""
    command = ("local", "invoke", function, "--event", f"events/{event}.json")
    print(f"\n$ sam {' '.join(command)}")
    done = sam(*command, *image())
    log = [json.loads(line) for line in re.findall(r"^\{.*\}$", done.stderr, re.MULTILINE)]
    answer = json.loads(done.stdout.strip().splitlines()[-1])
    print(json.dumps(answer)[:300])
    return answer, [line for line in log if line.get("level") == "ERROR"]


@pytest.fixture(scope="module", autouse=True)
def built() -> None:
    docker = shutil.which("docker")
    if docker is None or subprocess.run([docker, "info"], capture_output=True, check=False).returncode:
        pytest.exit("No Docker daemon answers. Start Docker, or set DOCKER_HOST, and try again.", returncode=2)
    print("\n$ sam build")
    sam("build")


@pytest.fixture(scope="module")
def stack(built: None) -> Iterator[RunningStack]:
    """The one that is up, else one of this test's."""
    if is_up(PORTS.aws):
        pytest.exit("A local stack is up. End it with Ctrl-C: this test starts and ends its own.", returncode=2)
    command = [sys.executable, "-m", "local", "up"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            shown = ""
            while "In another terminal" not in shown:
                shown = process.stdout.readline()
                assert shown, "`make up` ended"
            with RunningStack(PORTS.aws) as running:
                yield running
        finally:
            process.send_signal(signal.SIGINT)
            process.stdout.read()


@pytest.fixture
def slack(stack: RunningStack) -> SlackStub:
    return SlackStub(port=PORTS.slack)


@pytest.mark.parametrize(
    ("function", "event"),
    [
        ("EvaluationFunction", "evaluate-sqs"),
        ("SlackFunction", "slack-alert"),
        ("DiscoveryFunction", "discovery-run"),
        ("WebhookFunction", "webhook-bearer"),
    ],
)
def test_without_make_up_one_line_says_what_to_do(function: str, event: str) -> None:
    """First in this file: the others share a stack that ends with the last of them."""
    assert not is_up(PORTS.aws)
    answer, errors = invoke(function, event)
    assert answer["errorType"] == "LocalStackUnreachable"
    assert answer["errorMessage"] == (
        "Nothing answers at http://host.docker.internal:4569. Start the local stack in another terminal: make up"
    )
    assert [line["errorMessage"] for line in errors] == [answer["errorMessage"]]


def test_evaluation_judges_what_a_queue_delivers(stack: RunningStack, slack: SlackStub) -> None:
    answer, errors = invoke("EvaluationFunction", "evaluate-sqs")
    assert (answer, errors) == ({"batchItemFailures": []}, [])
    outcome = stack.outcome(123)
    assert outcome
    assert outcome["status"] == "violations"
    stack.wait_for("its message in Slack", lambda: [each for each in slack.messages() if "48213" in each.everything])


def test_evaluation_answers_a_direct_invocation(stack: RunningStack) -> None:
    """The recording of the test before: it is fetched again, and its results are the same."""
    answer, errors = invoke("EvaluationFunction", "evaluate-direct")
    assert (answer, errors) == ({"recording_id": 123, "result": "duplicate", "reason": "unchanged"}, [])


def test_the_notifier_posts(stack: RunningStack, slack: SlackStub) -> None:
    before = len(slack.messages())
    answer, errors = invoke("SlackFunction", "slack-alert")
    assert (answer, errors) == ({"batchItemFailures": []}, [])
    assert len(slack.messages()) == before + 1


def test_discovery_runs(stack: RunningStack) -> None:
    answer, errors = invoke("DiscoveryFunction", "discovery-run")
    assert (answer["result"], answer["pages"], errors) == ("complete", 1, [])


def test_the_webhook_takes_an_event(stack: RunningStack) -> None:
    answer, errors = invoke("WebhookFunction", "webhook-bearer")
    assert (answer["statusCode"], errors) == (202, [])


def test_a_function_in_start_lambda_answers_an_sdk(stack: RunningStack, tmp_path: Path) -> None:
    with socket.create_server((LOOPBACK, 0)) as free:
        port = free.getsockname()[1]
    print(f"\n$ sam local start-lambda --port {port}")
    command = [SAM, "local", "start-lambda", "--port", str(port), *image(), *OVERRIDES]
    with (
        (tmp_path / "log").open("w") as log,
        subprocess.Popen(command, cwd=ROOT, env=ENVIRONMENT, stdout=log, stderr=log) as process,
    ):
        try:
            answer = _invoked_by_sdk(port, {"recording_id": 1001})
        finally:
            process.send_signal(signal.SIGINT)
    print(answer)
    assert answer == {"recording_id": 1001, "result": "evaluated", "reason": "clear"}, (tmp_path / "log").read_text()


def _invoked_by_sdk(port: int, event: Any) -> Any:
    deadline = time.monotonic() + 60
    while True:
        try:
            socket.create_connection((LOOPBACK, port)).close()
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.2)
        else:
            break
    patient = Config(read_timeout=120, retries={"total_max_attempts": 1})
    session = boto3.Session(aws_access_key_id="none", aws_secret_access_key="none", region_name="eu-central-1")
    client = session.client("lambda", endpoint_url=f"http://{LOOPBACK}:{port}", config=patient)
    payload = client.invoke(FunctionName="EvaluationFunction", Payload=json.dumps(event).encode())["Payload"].read()
    return json.loads(payload)
