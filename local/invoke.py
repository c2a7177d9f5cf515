"""One event through one function as Lambda would run it, without Docker: `make invoke FUNCTION=… EVENT=…`.

It works on the stack that `make up` keeps up. Where there is none, it deploys one of its own, which takes longer.

It is Lambda's own runtime client under the runtime interface emulator that `sam local invoke` itself uses; the SAM
CLI's wheel ships it. Both are for Linux.
"""

from __future__ import annotations

import http.client
import json
import os
import socket
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from types import TracebackType
from typing import Annotated, Any, Self

import typer

from local import webhooks
from local.emulator import Interpreter
from local.places import LOOPBACK, SOURCES, STATE, TOOLS, LocalStackError
from local.ports import DEFAULT_PORT
from local.running_stack import RunningStack, is_up
from local.stack import LocalStack
from local.supervised_process import SupervisedProcess

READY_WITHIN_SECONDS = 10.0
TIMEOUT_SECONDS = 30  # the functions' own, from the template
PATIENCE_SECONDS = 60.0  # with the emulator: more than it gives the function, so that it is the one to say so

_INVOCATIONS = "/2015-03-31/functions/function/invocations"
_KEPT_ENVIRONMENT = ("HOME", "LANG", "PATH", "SSL_CERT_DIR", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "TMPDIR")


@dataclass(frozen=True)
class Invocation:
    """What the function answered: its payload, or the error that Lambda would report (and then no payload)."""

    payload: Any
    error_type: str | None = None
    error_message: str | None = None


class RuntimeEmulator:
    """A context manager: one function, warm from its first invocation to the end, on free ports.

    `handler` is named as in the template; `environment` is all the function sees, apart from what Lambda itself sets.
    """

    def __init__(self, handler: str, environment: Mapping[str, str], *, log: Path | None = None) -> None:
        self.handler = handler
        self.log = log or STATE / "invoke" / f"{handler}.log"
        self._environment = dict(environment)
        self._process: SupervisedProcess | None = None
        self._port = 0

    def __enter__(self) -> Self:
        with socket.create_server((LOOPBACK, 0)) as ours, socket.create_server((LOOPBACK, 0)) as its_own:
            self._port = ours.getsockname()[1]
            runtime_port = its_own.getsockname()[1]
        kept = {name: os.environ[name] for name in _KEPT_ENVIRONMENT if name in os.environ}
        self._process = process = SupervisedProcess(
            [
                str(_emulator_program()),
                *("--log-level", "error"),
                *("--runtime-interface-emulator-address", f"{LOOPBACK}:{self._port}"),
                *("--runtime-api-address", f"{LOOPBACK}:{runtime_port}"),
                *(sys.executable, "-m", "awslambdaric", self.handler),
            ],
            self.log,
            env={
                **kept,
                "AWS_LAMBDA_FUNCTION_TIMEOUT": str(TIMEOUT_SECONDS),
                "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
                **self._environment,
                "PYTHONPATH": str(SOURCES),
            },
            cwd=SOURCES,
        )
        try:
            self._wait(process)
        except BaseException:
            process.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process:
            self._process.stop()
            self._process = None

    def invoke(self, event: object) -> Invocation:
        """Invoke the function with one event and wait for its answer."""
        connection = http.client.HTTPConnection(LOOPBACK, self._port, timeout=PATIENCE_SECONDS)
        try:
            connection.request("POST", _INVOCATIONS, json.dumps(event), {"Content-Type": "application/json"})
            body = connection.getresponse().read().decode()
        except (OSError, http.client.HTTPException) as error:
            raise LocalStackError(f"The runtime emulator gave no answer: {error!r}", self.log) from error
        finally:
            connection.close()
        return _read(body)

    def _wait(self, process: SupervisedProcess) -> None:
        deadline = time.monotonic() + READY_WITHIN_SECONDS
        while time.monotonic() < deadline:
            if process.poll() is not None:
                raise LocalStackError("The runtime emulator ended while it started.", self.log)
            try:
                socket.create_connection((LOOPBACK, self._port), timeout=1).close()
            except OSError:
                time.sleep(0.02)
            else:
                return
        raise LocalStackError("The runtime emulator was not ready in time.", self.log)


def _read(body: str) -> Invocation:
    """The emulator marks errors by nothing but their shape; a time-out it tells as plain text."""
    try:
        payload = json.loads(body)
    except ValueError:
        return Invocation(None, "Timeout", body)
    if isinstance(payload, dict) and payload.keys() >= {"errorType", "errorMessage"}:
        return Invocation(None, payload["errorType"], payload["errorMessage"])
    return Invocation(payload)


def _emulator_program() -> Path:
    architecture = Interpreter.of_emulator().architecture
    name = f"samcli/local/rapid/aws-lambda-rie-{architecture}"
    for path in TOOLS.glob(f"sam/lib/python3.*/site-packages/{name}"):
        return path
    raise LocalStackError(f"{name} is missing from the SAM CLI. `make invoke` and `make test` set it up themselves.")


# ── The command ──────────────────────────────────────────────────────────────────────────────────────────────────


class Function(Enum):
    """What people call each function; its logical id in the template and its handler."""

    evaluate = ("EvaluationFunction", "handlers.evaluate_recordings.lambda_handler")
    slack = ("SlackFunction", "handlers.notify_slack.lambda_handler")
    discovery = ("DiscoveryFunction", "handlers.discover_recordings.lambda_handler")
    webhook = ("WebhookFunction", "handlers.receive_webhook.lambda_handler")

    def __init__(self, logical_id: str, handler: str) -> None:
        self.logical_id = logical_id
        self.handler = handler


def invoke_in_local_stack(function: Function, event: object, port: int) -> tuple[Invocation, Path]:
    """Invoke the function in the stack that is up at this port, else in one of its own; answer and log."""
    with (
        _stack(port) as stack,
        RuntimeEmulator(function.handler, stack.function_environment(function.logical_id)) as runtime,
    ):
        say(f"▸ Invoking {function.handler}")
        return runtime.invoke(webhooks.sent_now(event) if function is Function.webhook else event), runtime.log


def _stack(port: int) -> RunningStack | LocalStack:
    if is_up(port):
        return RunningStack(port)
    say("▸ No local stack is up, so this starts one of its own. `make up` keeps one up for many invocations.")
    return LocalStack("invoke", report=lambda step: say(f"▸ {step}"))


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def main(
    function: Annotated[str, typer.Argument(help=f"{' or '.join(each.name for each in Function)}")],
    event: Annotated[Path, typer.Argument(help="a file of events/, or any JSON file", exists=True, dir_okay=False)],
    port: Annotated[int, typer.Option(help="as given to `make up`")] = DEFAULT_PORT,
) -> None:
    """Run one event through one function, in the local stack."""
    if function not in Function.__members__:
        raise typer.BadParameter(f"{function} is none of {', '.join(Function.__members__)}")
    try:
        invocation, log = invoke_in_local_stack(Function[function], json.loads(event.read_text()), port)
    except ValueError as error:
        raise typer.BadParameter(f"{event} is not JSON: {error}") from error
    except LocalStackError as error:
        say(str(error))
        raise typer.Exit(1) from error
    say(log.read_text(errors="replace").rstrip())
    if invocation.error_type:
        say(f"▸ {invocation.error_type}: {invocation.error_message}")
        raise typer.Exit(1)
    print(json.dumps(invocation.payload, indent=2))


if __name__ == "__main__":
    typer.run(main)
