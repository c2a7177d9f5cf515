"""A clock that moves only when it is told to."""

NOON_MS = 1_795_435_200_000
"""2026-11-23 12:00:00 UTC."""


class FakeClock:
    """Call it for epoch milliseconds. `sleep` moves it by seconds, and remembers them."""

    def __init__(self, now_ms: int = NOON_MS) -> None:
        self.now_ms = now_ms
        self.slept_s: list[float] = []

    def __call__(self) -> int:
        return self.now_ms

    def advance(self, ms: int) -> None:
        self.now_ms += ms

    def sleep(self, seconds: float) -> None:
        self.slept_s.append(seconds)
        self.now_ms += round(seconds * 1000)
