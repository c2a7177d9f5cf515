"""A supervised process: it and all its children end when their owner ends, even by SIGKILL.

The owner holds the write end of a pipe, and a small supervisor process reads the other end. When the owner closes the
pipe or dies, the supervisor ends the whole process group.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

GRACE_SECONDS = 2.0


class SupervisedProcess:
    """The owner's side: a running command with its output in a log file."""

    def __init__(
        self,
        command: Sequence[str],
        log: Path,
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        pass_fds: Sequence[int] = (),
    ) -> None:
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("wb") as output:
            # -I -S: the supervisor needs only the standard library, and must start fast.
            self._supervisor = subprocess.Popen(
                [sys.executable, "-I", "-S", __file__, *command],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=env,
                cwd=cwd,
                pass_fds=pass_fds,
                start_new_session=True,  # Ctrl-C reaches only the owner, which then stops its processes in order
            )

    def poll(self) -> int | None:
        """The exit status, or None while it runs."""
        return self._supervisor.poll()

    def wait(self) -> int:
        return self._supervisor.wait()

    def stop(self) -> None:
        """End the command and all its children, and wait until they are gone."""
        if self._supervisor.stdin:
            self._supervisor.stdin.close()
        self._supervisor.wait(GRACE_SECONDS + 5)


def supervise(command: Sequence[str]) -> int:
    """The supervisor's side: run `command` until it ends or the owner closes the pipe. Returns its exit status."""
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, process_group=0, close_fds=False)

    def watch_owner() -> None:
        while os.read(0, 1):  # nothing is ever written; an empty read means the pipe is closed
            pass
        _end_group(child)

    threading.Thread(target=watch_owner, daemon=True).start()
    status = child.wait()
    _signal_group(child, signal.SIGKILL)  # children that the command left behind
    return status


def _end_group(child: subprocess.Popen[bytes]) -> None:
    _signal_group(child, signal.SIGTERM)
    time.sleep(GRACE_SECONDS)
    _signal_group(child, signal.SIGKILL)


def _signal_group(child: subprocess.Popen[bytes], number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, number)


if __name__ == "__main__":
    sys.exit(supervise(sys.argv[1:]))
