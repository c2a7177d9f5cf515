"""A stub server as a process of its own, and the hand that steers it."""

from __future__ import annotations

import http.client
import json
import os
import socket
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Self

from local.http_stub import Fault
from local.places import LOOPBACK, ROOT, STATE
from local.supervised_process import SupervisedProcess


@dataclass(frozen=True)
class LedgerEntry:
    """One request as the stub saw it. `target` is whom it was about; `status` 0 where no answer was sent."""

    at: float
    method: str
    path: str
    target: str
    status: int
    fault: str


class StubProcess:
    """Started by `start` or `with`. It listens before it runs, so it is ready at once. `port` 0 is any free one."""

    module: ClassVar[str]

    def __init__(self, log: Path | None = None, port: int = 0) -> None:
        self.log = log or STATE / f"{self.module.rpartition('.')[2]}.log"
        self._process: SupervisedProcess | None = None
        self._address: tuple[str, int] = (LOOPBACK, port)

    def start(self) -> Self:
        with socket.create_server(self._address, backlog=512) as listening:
            self._address = listening.getsockname()
            self._process = SupervisedProcess(
                [sys.executable, "-m", self.module, str(listening.fileno())],
                self.log,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
                pass_fds=[listening.fileno()],
            )
        return self

    def stop(self) -> None:
        if self._process:
            self._process.stop()
            self._process = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def root_url(self) -> str:
        host, port = self._address
        return f"http://{host}:{port}"

    def ledger(self) -> list[LedgerEntry]:
        """Every request since the start or the last `reset`, the oldest first."""
        return [LedgerEntry(**entry) for entry in self.control("ledger")]

    def set_fault(self, fault: Fault | None, target: int | str = "*") -> None:
        """Misbehave towards requests about `target`, or all; None: behave again."""
        self.control("fault", {"target": str(target), "fault": asdict(fault) if fault else None})

    def reset(self) -> None:
        """Forget the faults and the ledger."""
        self.control("reset")

    def control(self, name: str, content: Any = None) -> Any:
        connection = http.client.HTTPConnection(*self._address, timeout=10)
        try:
            connection.request("POST", f"/_control/{name}", json.dumps(content).encode())
            return json.loads(connection.getresponse().read())
        finally:
            connection.close()
