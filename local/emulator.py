"""AWS on this machine: the emulator as a process on a free port, and clients that speak to it.

With `AUTH=true` it enforces IAM: functions run under the template's roles, so what a role forgets fails here too.
We ourselves are the account's root.
"""

from __future__ import annotations

import functools
import json
import os
import platform
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from local.places import LOOPBACK, LocalStackError, tool
from local.supervised_process import SupervisedProcess

REGION = "eu-central-1"
ACCOUNT = "000000000000"
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
}  # the emulator's name for its root
READY_WITHIN_SECONDS = 30.0
PROC = Path("/proc")

_KEPT_ENVIRONMENT = ("HOME", "LANG", "PATH")  # nothing else of the user's shell reaches the functions


@dataclass(frozen=True)
class Interpreter:
    """The Python that runs the emulator, and so the functions."""

    runtime: str  # as the template's PythonRuntime has it
    architecture: str  # as the template's Architecture has it

    @staticmethod
    @functools.cache
    def of_emulator() -> Interpreter:
        code = "import sys; print('python%d.%d' % sys.version_info[:2])"
        runtime = subprocess.run(
            [tool("emulator", "python"), "-I", "-S", "-c", code], capture_output=True, text=True, check=True
        ).stdout.strip()
        arm = platform.machine().lower() in {"arm64", "aarch64"}
        return Interpreter(runtime, "arm64" if arm else "x86_64")


@dataclass(frozen=True)
class QueuedMessage:
    """A message as it lies in a queue, looked at without receiving it."""

    message_id: str
    body: str
    attributes: dict[str, str]


class Emulator:
    """`port` 0 stands for any free one."""

    def __init__(self, folder: Path, port: int = 0) -> None:
        self.log = folder / "emulator.log"
        self._temporary = folder / "tmp"
        self._process: SupervisedProcess | None = None
        self.port = port

    @property
    def endpoint(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    def start(self) -> None:
        """Start it; it is ready after `wait`."""
        if not self.port:
            with socket.create_server((LOOPBACK, 0)) as free:
                self.port = free.getsockname()[1]
        self._temporary.mkdir(parents=True, exist_ok=True)
        kept = {name: os.environ[name] for name in _KEPT_ENVIRONMENT if name in os.environ}
        environment = {
            **kept,
            **CREDENTIALS,
            "AUTH": "true",
            "BIND_HOST": LOOPBACK,
            "GATEWAY_PORT": str(self.port),
            "IOT_MTLS_ENABLED": "0",  # it and SFTP would listen on fixed ports
            "SFTP_ENABLED": "0",
            "MINISTACK_HOST": LOOPBACK,
            "MINISTACK_REGION": REGION,
            "TMPDIR": str(self._temporary),
        }
        self._process = SupervisedProcess([str(tool("emulator", "ministack"))], self.log, env=environment)

    def wait(self) -> None:
        deadline = time.monotonic() + READY_WITHIN_SECONDS
        while time.monotonic() < deadline:
            if self._process is None or self._process.poll() is not None:
                raise LocalStackError("The AWS emulator ended while it started.", self.log)
            try:
                self.ask("/_ministack/health")
            except (urllib.error.URLError, ConnectionError):
                time.sleep(0.05)
            else:
                return
        raise LocalStackError(f"The AWS emulator was not ready within {READY_WITHIN_SECONDS:.0f} s.", self.log)

    def stop(self) -> None:
        if self._process:
            self._process.stop()
            self._process = None

    def environment(self) -> dict[str, str]:
        """What makes an AWS tool or SDK speak to this emulator, and never to an account of this machine's user."""
        return {
            **CREDENTIALS,
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def client(self, service: Any) -> Any:
        """A boto3 client of this AWS, with long timeouts."""
        session = boto3.Session(
            aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
            region_name=REGION,
        )
        patient = Config(connect_timeout=5, read_timeout=60, retries={"mode": "standard", "total_max_attempts": 3})
        return session.client(service, endpoint_url=self.endpoint, config=patient)

    def peek(self, queue_url: str) -> list[QueuedMessage]:
        """All messages of a queue, delayed and received ones too, left as they are."""
        answer = self.ask(f"/_ministack/sqs/messages?QueueUrl={urllib.parse.quote(queue_url, safe='')}")
        return [
            QueuedMessage(
                message_id=message["MessageId"],
                body=message["Body"],
                attributes={
                    name: str(value.get("StringValue", ""))
                    for name, value in (message["MessageAttributes"] or {}).items()
                },
            )
            for regions in answer["messages"].values()
            for queues in regions.values()
            for messages in queues.values()
            for message in messages
        ]

    def workers(self, function: str) -> list[int]:
        """The process ids of a function's workers. On AWS they are hidden; here a test may end them."""
        script = f"{self._temporary}/ministack-lambda-{function}-"
        return [process_id for process_id, command in _processes() if script in command]

    def ask(self, path: str) -> Any:
        """A question to the emulator itself, not to the AWS it plays."""
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(self.endpoint + path, timeout=10) as answer:
            return json.loads(answer.read())


def _processes() -> Iterator[tuple[int, str]]:
    """Id and command line of all processes of this machine: from /proc where there is one, else from `ps`."""
    if not PROC.is_dir():
        listed = subprocess.run(["ps", "-A", "-ww", "-o", "pid=,args="], capture_output=True, text=True, check=True)
        yield from ((int(line.split()[0]), line) for line in listed.stdout.splitlines())
        return
    for folder in PROC.glob("[0-9]*"):
        with suppress(OSError):  # it has ended meanwhile
            yield int(folder.name), (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
