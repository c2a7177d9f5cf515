"""A process on a leash: it, and all it starts, end when their owner ends, however that happens.

The owner holds one end of a pipe. A tiny keeper between owner and process reads the other end: when the owner
closes it, or dies (even by SIGKILL: the system closes the pipe then), the keeper ends the process's whole group.
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


class Leashed:
    """A running command with its output in a log file. The owner's side of the leash."""

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
            # -I -S: the keeper needs the standard library alone, and must start at once.
            self._keeper = subprocess.Popen(
                [sys.executable, "-I", "-S", __file__, *command],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=env,
                cwd=cwd,
                pass_fds=pass_fds,
                start_new_session=True,  # a Ctrl-C reaches the owner alone, which then lets go in good order
            )

    def poll(self) -> int | None:
        """The exit status, or None while it runs."""
        return self._keeper.poll()

    def wait(self) -> int:
        return self._keeper.wait()

    def stop(self) -> None:
        """End the command and all it started; back when it is gone."""
        if self._keeper.stdin:
            self._keeper.stdin.close()
        self._keeper.wait(GRACE_SECONDS + 5)


def keep(command: Sequence[str]) -> int:
    """The keeper's side: run `command` until it ends or the owner lets go."""
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, process_group=0, close_fds=False)

    def watch_owner() -> None:
        while os.read(0, 1):  # nothing is ever written: this returns at the end of the pipe
            pass
        _end_group(child)

    threading.Thread(target=watch_owner, daemon=True).start()
    status = child.wait()
    _signal_group(child, signal.SIGKILL)  # what the command started and left behind
    return status


def _end_group(child: subprocess.Popen[bytes]) -> None:
    _signal_group(child, signal.SIGTERM)
    time.sleep(GRACE_SECONDS)
    _signal_group(child, signal.SIGKILL)


def _signal_group(child: subprocess.Popen[bytes], number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, number)


if __name__ == "__main__":
    sys.exit(keep(sys.argv[1:]))
