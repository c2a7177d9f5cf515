"""Where every call to the outside passes by, so that a test can step in before it takes effect or after."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Crash(BaseException):
    """The worker is gone: no `except Exception` of its own code may get to see the end of it."""


class Stage:
    """Numbers the points before and after each outside call, names them, and runs what a test has put at one."""

    def __init__(self) -> None:
        self.passed: list[str] = []
        self._acts: dict[int, Callable[[], None]] = {}

    def at(self, point: int, act: Callable[[], None]) -> None:
        """Run `act` once when the point of that number (from 0) is reached."""
        self._acts[point] = act

    def crash_at(self, point: int) -> None:
        def crash() -> None:
            raise Crash(self.passed[-1])

        self.at(point, crash)

    def forget(self) -> None:
        """Call off what has not been reached."""
        self._acts.clear()

    @contextmanager
    def call(self, name: str) -> Iterator[None]:
        self._pass(f"before {name}")
        yield
        self._pass(f"after {name}")

    def _pass(self, name: str) -> None:
        point = len(self.passed)
        self.passed.append(name)
        act = self._acts.pop(point, None)
        if act:
            act()
