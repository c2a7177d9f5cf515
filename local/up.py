"""`make up`: the local stack stays up until Ctrl-C, on fixed ports, and shows what comes in.

`sam local invoke`, `make invoke`, `ica` and the AWS CLI work on it from other terminals.
"""

from __future__ import annotations

import contextlib
import shutil
import socket
import time
from pathlib import Path
from typing import NoReturn

from rich.console import Console
from rich.markup import escape

from local import view
from local.container_environment import DEFAULT_FILE, container_environment, write_where_needed
from local.container_gateway import ContainerGateway
from local.deployment import STACK_NAME
from local.emulator import CREDENTIALS, REGION, Interpreter
from local.mailbox import ADDRESS
from local.news import News
from local.places import LOOPBACK, LocalStackError, shown
from local.ports import DEFAULT_PORT, Ports
from local.running_stack import is_up
from local.stack import LocalStack

LOOKS_EVERY_SECONDS = 0.5
# The examples show judging, not waiting: 60 requests a minute would hold the last ones up.
REQUESTS_PER_MINUTE = "1200"
_TEMPLATE_DEFAULTS = Interpreter("python3.13", "arm64")


def up(console: Console, port: int) -> bool:
    """Keep a stack up until Ctrl-C and show what comes in. Raises `LocalStackError` if it cannot start."""
    ports = Ports.starting_at(port)
    require_free(ports)
    with view.Progress(console) as progress:
        stack = LocalStack(
            "up",
            ports=ports,
            overrides={"RequestsPerMinute": REQUESTS_PER_MINUTE, "AlertEmail": ADDRESS},
            report=progress.begin,
        )
        with stack, ContainerGateway(ports) as gateway:
            progress.finish()
            _open_bridge(console, gateway)
            file = write_where_needed(container_environment(stack, ports), stack.folder)
            _introduce(console, stack, ports, gateway, file)
            progress.say("Waiting for events. Ctrl-C ends the stack.")
            with contextlib.suppress(KeyboardInterrupt):  # the way to end it, so no failure
                _watch(console, stack, gateway)
            progress.say("Stopping …")
            stack.keep_logs()
    console.print("\nStopped. Nothing is left running.")
    return True


def require_free(ports: Ports) -> None:
    """Raise `LocalStackError` with what to do if a local stack or another program uses one of the ports."""
    if is_up(ports.aws):
        raise LocalStackError(
            f"A local stack is up already, at http://{LOOPBACK}:{ports.aws}. Use it, or end it with Ctrl-C in its "
            f"terminal. Another one beside it: make up PORT={ports.aws + 10}"
        )
    for port in ports.all:
        try:
            socket.create_server((LOOPBACK, port)).close()
        except OSError:
            raise LocalStackError(
                f"Port {port} is used by another program. `make up PORT={ports.aws + 10}` takes "
                f"{ports.aws + 10} to {ports.aws + 13} instead."
            ) from None


def _watch(console: Console, stack: LocalStack, gateway: ContainerGateway) -> NoReturn:
    news = News(stack, stack.slack)
    while True:
        _open_bridge(console, gateway)
        for line in news.lines():
            console.print(line, soft_wrap=True)
        time.sleep(LOOKS_EVERY_SECONDS)


def _open_bridge(console: Console, gateway: ContainerGateway) -> None:
    """Docker may start later than the stack. Without it everything but containers works."""
    try:
        if gateway.listen_on_bridge():
            console.print(f"Containers reach the stack through Docker's bridge, {gateway.bridge}.")
    except LocalStackError as error:
        console.print(f"[yellow]{error}[/]", soft_wrap=True)


def _introduce(console: Console, stack: LocalStack, ports: Ports, gateway: ContainerGateway, file: Path) -> None:
    """Each address, and what to type next. Whole lines are printed as they are, so that they can be pasted."""
    credentials = f"{CREDENTIALS['AWS_ACCESS_KEY_ID']} / {CREDENTIALS['AWS_SECRET_ACCESS_KEY']}"
    url_id = stack.outputs["WebhookUrl"].removeprefix("https://").partition(".")[0]
    bridge = (
        f"on Docker's bridge, {gateway.bridge}" if gateway.bridge else "Docker is not running, or is Docker Desktop"
    )
    rows = (
        ("AWS", stack.emulator.endpoint, f"{REGION}, credentials {credentials}, stack {STACK_NAME}"),
        ("IdentityCall", stack.vendor.base_url, "the vendor's stub"),
        ("Slack", stack.slack.webhook_url, "Slack's stub"),
        ("E-mail", ADDRESS, "confirmed; a queue stands in for the mailbox"),
        ("Webhook", f"{stack.emulator.endpoint}/_aws/lambda-url/{url_id}/", "the stack's WebhookUrl"),
        ("in containers", f"http://host.docker.internal:{ports.for_containers}", f"AWS; {bridge}"),
    )
    console.print("\n[bold green]The local stack is up.[/] Ctrl-C ends it.\n")
    for name, address, what in rows:
        console.print(f"  {name:<14} {escape(address)}  [dim]{what}[/]", soft_wrap=True)
    console.print("\nIn another terminal, in this folder:\n")
    for line in _next_lines(ports, file):
        console.print(f"  {line}", soft_wrap=True, markup=False, highlight=False)
    console.print()


def _next_lines(ports: Ports, file: Path) -> list[str]:
    interpreter = Interpreter.of_emulator()
    overrides = (
        ""
        if interpreter == _TEMPLATE_DEFAULTS
        else f" --parameter-overrides PythonRuntime={interpreter.runtime} Architecture={interpreter.architecture}"
    )
    env_vars = "" if file == DEFAULT_FILE else f" --env-vars {shown(file)}"
    shell = {"AWS_ENDPOINT_URL": f"http://{LOOPBACK}:{ports.aws}", "AWS_REGION": REGION, **CREDENTIALS}
    port = "" if ports.aws == DEFAULT_PORT else f" PORT={ports.aws}"
    path = [] if shutil.which("sam") else ['export PATH="$PWD/.tools/sam/bin:$PATH"']
    return [
        f"make invoke FUNCTION=evaluate EVENT=events/evaluate-sqs.json{port}",
        "",
        *path,
        f"sam build{overrides}",
        f"sam local invoke EvaluationFunction --event events/evaluate-sqs.json{env_vars}{overrides}   # needs Docker",
        "",
        f"export {' '.join(f'{name}={value}' for name, value in shell.items())}",
        f"make send RECORDING=123 STACK={STACK_NAME}",
    ]
