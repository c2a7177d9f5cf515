"""Connections of a client whose calls are one attempt each: such a call must not meet a dead connection.

Lambda freezes a function between invocations. A connection that the server closes meanwhile still looks open.
"""

import threading
from typing import Final, Protocol

from domain.ports import Clock

_IDLE_MS: Final = 10_000
"""Longer than any call lasts, and shorter than a server keeps an idle connection."""


class _Client(Protocol):
    def close(self) -> None: ...


class FreshConnections:
    def __init__(self, client: _Client, now_ms: Clock) -> None:
        self._client = client
        self._now_ms = now_ms
        self._starting = threading.Lock()
        self._started_ms = 0

    def close_idle(self) -> None:
        """Call it before each call. No call of another thread is cut: none that began so long ago can still run."""
        with self._starting:
            now_ms = self._now_ms()
            if now_ms - self._started_ms > _IDLE_MS:
                self._client.close()  # The client opens new ones.
            self._started_ms = now_ms
