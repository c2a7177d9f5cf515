"""`ica` as an operator types it, in this process."""

import contextlib
import io
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from cli.__main__ import main


@dataclass(frozen=True)
class Done:
    """What the command printed, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def ica(*arguments: object, answer: str | None = None) -> Done:
    """Run one command. `answer` is typed at a terminal; without one, standard input is no terminal and empty."""
    out, err = io.StringIO(), io.StringIO()
    given = io.StringIO() if answer is None else _Terminal(f"{answer}\n")
    code: object = None
    with _standard_input(given), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main([str(argument) for argument in arguments])
        except SystemExit as ended:
            code = ended.code
    assert isinstance(code, int), f"the command ended with {code!r}"
    return Done(code, out.getvalue(), err.getvalue())


@contextlib.contextmanager
def _standard_input(given: io.StringIO) -> Iterator[None]:
    usual, sys.stdin = sys.stdin, given
    try:
        yield
    finally:
        sys.stdin = usual
