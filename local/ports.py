"""Where the parts of a local stack listen on this machine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

DEFAULT_PORT = 4566


@dataclass(frozen=True)
class Ports:
    """0 stands for any free port. `for_containers` is AWS as a container reaches it: see `container_gateway`."""

    aws: int = 0
    vendor: int = 0
    slack: int = 0
    for_containers: int = 0

    @classmethod
    def starting_at(cls, port: int) -> Self:
        """Four ports in a row, so that what knows the first one knows them all."""
        return cls(aws=port, vendor=port + 1, slack=port + 2, for_containers=port + 3)

    @property
    def all(self) -> tuple[int, ...]:
        return (self.aws, self.vendor, self.slack, self.for_containers)


ANY_FREE = Ports()
