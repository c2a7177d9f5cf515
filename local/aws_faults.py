"""AWS on a bad day: microburst as a proxy between the functions and the emulator, with faults as AWS makes them.

    throttled        AWS's own error for it; nothing was done
    reset            the connection is reset before the request reaches AWS
    answer lost      AWS has done it, and its answer is cut off
    slow             later than the SDK waits for it, and then done all the same
    outage           everything a service is asked for fails

What the emulator does itself, such as taking messages out of a queue for a function, does not pass here. The proxy
signs anew, as the account's root: the functions' roles are put to the test wherever there is no proxy.
"""

from __future__ import annotations

import json
import re
import socket
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from local.deployment import Deployment
from local.emulator import READY_WITHIN_SECONDS
from local.places import LOOPBACK, LocalStackError, tool
from local.supervised_process import SupervisedProcess

ANSWER_LOST = "response:abort"
_FAULTS = re.compile(r'microburst_faults_total\{service="(.*?)",operation="(.*?)",action="(.*?)"\} (\d+)')

_THROTTLED = {
    "dynamodb": "ProvisionedThroughputExceededException",
    "sns": "Throttling",
    "sqs": "RequestThrottled",
    "ssm": "ThrottlingException",
}
_LATER_THAN_THE_SDK_WAITS_MS = 3_500

BAD_DAY: list[dict[str, Any]] = [
    *({"service": service, "probability": 0.06, "error": {"code": code}} for service, code in _THROTTLED.items()),
    {"probability": 0.02, "reset": True},
    {"probability": 0.02, "response": {"abort_bytes": 0}},
    {"probability": 0.005, "service": "dynamodb", "latency": _LATER_THAN_THE_SDK_WAITS_MS},
    *({"service": service, "latency": {"preset": service}} for service in _THROTTLED),
]


def outage(service: str, seconds: float) -> dict[str, Any]:
    """Everything this service is asked for fails, from now on and for so long."""
    return {"service": service, "ttl_s": seconds, "error": {"code": "InternalServerError", "status": 500}}


class AwsFaults:
    """A context manager. Inside it, the functions of the stack reach AWS through the proxy alone."""

    def __init__(self, stack: Deployment, folder: Path) -> None:
        self._stack = stack
        self._log = folder / "microburst.log"
        self._process: SupervisedProcess | None = None
        self._port = 0

    def __enter__(self) -> Self:
        with socket.create_server((LOOPBACK, 0)) as free:
            self._port = free.getsockname()[1]
        command = [str(tool("chaos", "microburst")), "--upstream", self._stack.emulator.endpoint, "--resign"]
        self._process = SupervisedProcess(
            [*command, "--host", LOOPBACK, "--port", str(self._port)], self._log, env=self._stack.emulator.environment()
        )
        try:
            self._wait()
            self._lead_functions_here()
        except BaseException:
            self._process.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process:
            self._process.stop()

    def inject(self, *rules: dict[str, Any]) -> None:
        """Let these rules hold instead of all before, the first that matches a request; none: a good day."""
        self._ask("rules", list(rules))

    def injected(self) -> dict[tuple[str, str, str], int]:
        """How often what was done to which operation of which service."""
        found = _FAULTS.findall(self._ask("metrics"))
        return {(service, operation, action): int(times) for service, operation, action, times in found}

    def _lead_functions_here(self) -> None:
        lambda_ = self._stack.client("lambda")
        for function in self._stack.logical_ids("AWS::Lambda::Function"):
            variables = self._stack.configuration(function)["Environment"]["Variables"]
            lambda_.update_function_configuration(
                FunctionName=self._stack.physical_id(function),
                Environment={"Variables": {**variables, "AWS_ENDPOINT_URL": self._url}},
            )

    @property
    def _url(self) -> str:
        return f"http://{LOOPBACK}:{self._port}"

    def _wait(self) -> None:
        deadline = time.monotonic() + READY_WITHIN_SECONDS
        while time.monotonic() < deadline:
            if self._process is None or self._process.poll() is not None:
                raise LocalStackError("microburst ended while it started.", self._log)
            try:
                self._ask("health")
            except (urllib.error.URLError, ConnectionError):
                time.sleep(0.05)
            else:
                self._warm_up()
                return
        raise LocalStackError(f"microburst was not ready within {READY_WITHIN_SECONDS:.0f} s.", self._log)

    def _warm_up(self) -> None:
        """The first request has it read the models of all of AWS, for longer than the functions would wait."""
        client = self._stack.emulator.client("sqs", self._url)
        client.list_queues()
        client.close()

    def _ask(self, what: str, content: Any = None) -> str:
        data = None if content is None else json.dumps(content).encode()
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"{self._url}/_microburst/{what}", data, timeout=10) as answer:
            return str(answer.read().decode())
