"""`make up`: a stack that stays, says what comes in, is there once, and leaves nothing behind."""

from __future__ import annotations

import json
import random
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import boto3
import pytest
from botocore.config import Config

from local.container_environment import DEFAULT_FILE, container_environment
from local.emulator import REGION
from local.places import LOOPBACK, ROOT
from local.ports import Ports
from local.running_stack import RunningStack, is_up

STRANGER = {"aws_access_key_id": "AKIADEVELOPERSOWNKEY", "aws_secret_access_key": "none", "aws_session_token": "none"}


@dataclass
class Up:
    """`make up` as a process, and the lines it has shown so far."""

    process: subprocess.Popen[str]
    ports: Ports
    lines: list[str] = field(default_factory=list)
    shown: threading.Condition = field(default_factory=threading.Condition)

    def follow(self) -> None:
        assert self.process.stdout
        with self.process.stdout as output:
            for line in output:
                with self.shown:
                    self.lines.append(line.rstrip())
                    self.shown.notify_all()

    def wait_for(self, pattern: str, within: float = 60) -> str:
        """The first line with this pattern, seen or to come."""

        def find() -> str | None:
            return next((line for line in self.lines if re.search(pattern, line)), None)

        with self.shown:
            found = self.shown.wait_for(find, within)
        assert found, f"{pattern} not shown in: {self.lines}"
        return str(found)


def command(port: int) -> list[str]:
    return [sys.executable, "-m", "local", "up", "--port", str(port)]


def free_ports() -> Ports:
    """Four free ports in a row."""
    while True:
        ports = Ports.starting_at(random.randrange(20_000, 30_000))
        try:
            for port in ports.all:
                socket.create_server((LOOPBACK, port)).close()
        except OSError:
            continue
        return ports


@pytest.fixture(scope="module")
def up() -> Iterator[Up]:
    ports = free_ports()
    process = subprocess.Popen(
        command(ports.aws), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    running = Up(process, ports)
    follower = threading.Thread(target=running.follow, daemon=True)
    follower.start()
    try:
        running.wait_for("The local stack is up", within=180)
        yield running
        process.send_signal(signal.SIGINT)
        process.wait(30)
    finally:
        process.kill()  # has no effect once it has ended
        process.wait()
        follower.join(10)
    assert process.returncode == 0
    assert running.lines[-1] == "Stopped. Nothing is left running."
    for port in ports.all:
        socket.create_server((LOOPBACK, port)).close()  # raises if anything still listens


def client(service: Any, port: int, **credentials: str) -> Any:
    session = boto3.Session(region_name=REGION, **credentials)  # type: ignore[arg-type]
    once = Config(retries={"total_max_attempts": 1})
    return session.client(service, endpoint_url=f"http://{LOOPBACK}:{port}", config=once)


def test_it_says_where_everything_is_and_what_to_type(up: Up) -> None:
    for address in (
        f"http://{LOOPBACK}:{up.ports.aws}  ",
        f"http://{LOOPBACK}:{up.ports.vendor}/api/v1/public",
        f"http://{LOOPBACK}:{up.ports.slack}/services/",
        f"http://host.docker.internal:{up.ports.for_containers}",
        f"make invoke FUNCTION=evaluate EVENT=events/evaluate-sqs.json PORT={up.ports.aws}",
        "sam local invoke EvaluationFunction --event events/evaluate-sqs.json --env-vars ",
    ):
        up.wait_for(re.escape(address))


def test_each_event_is_shown_in_a_line(up: Up) -> None:
    with RunningStack(up.ports.aws) as stack:
        for recording in (123, 1001, 1016):
            stack.send({"recording_id": recording})
        stack.send("no event")
    up.wait_for(r"recording +123  violations \(2\), by queue")
    up.wait_for(r"alert +123  warning, 2 violations")
    up.wait_for(r"Slack +🟠 Warning: 1 goal not met and 1 pause too long")
    up.wait_for(r"e-mail +Warning: 1 goal not met and 1 pause too long in recording 123")
    up.wait_for(r"recording +1001  clear, by queue")
    up.wait_for(r"deferred +1016  not_analysed; it is tried again by itself")
    up.wait_for(r"dead letter +event: malformed_event The event cannot be read: the body is not JSON.")


def test_no_spoken_word_is_shown(up: Up) -> None:
    up.wait_for(r"alert +123")
    assert not [line for line in up.lines if "follow-up call" in line]


def test_a_second_one_says_that_one_is_there(up: Up) -> None:
    second = subprocess.run(command(up.ports.aws), cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert second.returncode == 1
    assert second.stdout.startswith(f"Failed: A local stack is up already, at http://{LOOPBACK}:{up.ports.aws}.")


def test_a_port_that_another_program_uses_is_named() -> None:
    ports = free_ports()
    with socket.create_server((LOOPBACK, ports.slack)):
        refused = subprocess.run(command(ports.aws), cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert refused.returncode == 1
    assert refused.stdout.startswith(f"Failed: Port {ports.slack} is used by another program.")


def test_make_invoke_uses_it(up: Up) -> None:
    arguments = ["evaluate", "events/evaluate-direct.json", "--port", str(up.ports.aws)]
    done = subprocess.run(
        [sys.executable, "-m", "local.invoke", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert json.loads(done.stdout)["recording_id"] == 123
    assert "starts one of its own" not in done.stderr


def test_the_variables_of_containers_are_the_tracked_ones_but_for_the_ports(up: Up) -> None:
    """So the tracked file is right for the default ports; nothing else of it depends on where the stack runs."""
    with RunningStack(up.ports.aws) as stack:
        here = container_environment(stack, up.ports)
    tracked = json.loads(DEFAULT_FILE.read_text())["Parameters"]
    moved = {port: str(default) for port, default in zip(up.ports.all, Ports.starting_at(4566).all, strict=True)}
    assert tracked == {
        name: re.sub(r":(\d{5})\b", lambda found: f":{moved.get(int(found[1]), found[1])}", value)
        for name, value in here.items()
    }


def test_a_container_s_own_credentials_and_loopback_addresses_are_translated(up: Up) -> None:
    """Straight at the emulator the developer's key is unknown; through the gateway it is the root's."""
    names = {"Names": ["/local/slack-webhook-url"], "WithDecryption": True}
    with pytest.raises(Exception, match="UnrecognizedClientException"):
        client("ssm", up.ports.aws, **STRANGER).get_parameters(**names)
    found = client("ssm", up.ports.for_containers, **STRANGER).get_parameters(**names)["Parameters"][0]["Value"]
    assert found.startswith(f"http://host.docker.internal:{up.ports.slack}/services/")


def test_a_container_can_write_through_the_gateway(up: Up) -> None:
    """DynamoDB's answers carry a checksum, which botocore compares."""
    with RunningStack(up.ports.aws) as stack:
        table = stack.outputs["OutcomeTableName"]
    dynamodb = client("dynamodb", up.ports.for_containers, **STRANGER)
    item = {"pk": {"S": "TEST"}, "sk": {"S": "TEST"}, "url": {"S": f"http://{LOOPBACK}:1/ü"}}
    dynamodb.put_item(TableName=table, Item=item)
    read = dynamodb.get_item(TableName=table, Key={"pk": {"S": "TEST"}, "sk": {"S": "TEST"}})["Item"]
    assert read["url"]["S"] == "http://host.docker.internal:1/ü"
    dynamodb.delete_item(TableName=table, Key={"pk": {"S": "TEST"}, "sk": {"S": "TEST"}})


def test_without_a_local_stack_the_message_says_what_to_do() -> None:
    port = free_ports().aws
    assert not is_up(port)
    done = subprocess.run(
        [sys.executable, "-m", "local", "env-vars", "--port", str(port)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "No local stack is up at" in done.stdout
    assert done.stdout.rstrip().endswith("Start one in another terminal: make up")
