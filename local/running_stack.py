"""The stack that `make up` keeps up, as another process sees it."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from botocore.exceptions import ClientError

from local.deployment import Deployment
from local.emulator import Emulator
from local.places import LOOPBACK, STATE, LocalStackError


class RunningStack(Deployment):
    """A context manager. The stack itself outlives it. `port` is the one given to `make up`."""

    def __init__(self, port: int) -> None:
        super().__init__(Emulator(STATE / "up", port))

    def __enter__(self) -> Self:
        if not is_up(self.emulator.port):
            where = f"http://{LOOPBACK}:{self.emulator.port}"
            raise LocalStackError(f"No local stack is up at {where}. Start one in another terminal: make up")
        try:
            self.read_stack()
        except ClientError:
            where = f"http://{LOOPBACK}:{self.emulator.port}"
            raise LocalStackError(f"The local stack at {where} is still starting, or is another emulator.") from None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def is_up(port: int) -> bool:
    """Whether a local stack answers at this port of this machine."""
    try:
        Emulator(STATE / "up", port).ask("/_ministack/health")
    except (OSError, ValueError):  # `URLError` is an `OSError`
        return False
    return True
