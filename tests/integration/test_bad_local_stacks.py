"""What an operator or a developer meets when a stack is not as it should be: a sentence, and no traceback."""

import json
import socket
from pathlib import Path

import pytest
from moto.server import ThreadedMotoServer

from cli.deploy import _deployable, _split
from cli.errors import CommandError
from cli.stack import OURS, Stack
from local import container_gateway, running_stack, webhooks
from local.container_gateway import ContainerGateway
from local.places import LocalStackError
from local.ports import Ports
from local.running_stack import RunningStack

OUTPUTS = dict.fromkeys(OURS, "")


def test_a_port_of_the_bridge_that_is_taken_is_said_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """127.0.0.2 stands in for Docker's bridge: an address of this machine beside loopback's usual one."""
    monkeypatch.setattr(container_gateway, "bridge_address", lambda: "127.0.0.2")
    with socket.create_server(("127.0.0.2", 0)) as taken:
        port = taken.getsockname()[1]
        with ContainerGateway(Ports(aws=port)) as gateway:
            with pytest.raises(LocalStackError, match=f"another program uses port {port} of Docker's bridge"):
                gateway.listen_on_bridge()
            assert gateway.listen_on_bridge() is False


def test_a_stack_that_is_still_starting_is_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running_stack, "is_up", lambda _: True)
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        _, port = server.get_host_and_port()
        with pytest.raises(LocalStackError, match="is still starting, or is another emulator"), RunningStack(port):
            pass
    finally:
        server.stop()


@pytest.mark.parametrize(
    "event", [[], {}, {"Records": []}, json.loads(Path("events/webhook-unsigned.json").read_text())]
)
def test_an_event_without_a_placeholder_reaches_the_webhook_unchanged(event: object) -> None:
    assert webhooks.sent_now(event) == event


@pytest.mark.parametrize("status", ["ROLLBACK_COMPLETE", "DELETE_FAILED"])
def test_the_command_that_deletes_a_stack_names_its_region(status: str) -> None:
    with pytest.raises(CommandError, match="delete-stack --region eu-west-1 --stack-name alerts"):
        _deployable(Stack("alerts", status, {}, OUTPUTS), "eu-west-1")


def test_a_stack_that_is_being_changed_waits() -> None:
    with pytest.raises(CommandError, match="is being changed just now"):
        _deployable(Stack("alerts", "UPDATE_IN_PROGRESS", {}, OUTPUTS), "eu-west-1")


@pytest.mark.parametrize("status", ["CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"])
def test_a_stack_at_rest_can_be_updated(status: str) -> None:
    stack = Stack("alerts", status, {}, OUTPUTS)
    assert _deployable(stack, "eu-west-1") is stack


def test_a_value_of_set_may_hold_blanks() -> None:
    assert _split(" MaxPauseMs=4000  DiscoverySchedule=rate(10 minutes) AlertEmail= ") == [
        "MaxPauseMs=4000",
        "DiscoverySchedule=rate(10 minutes)",
        "AlertEmail=",
    ]
