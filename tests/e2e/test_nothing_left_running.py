"""Whatever ends the owner of a local stack, its processes end too, and theirs.

Each process holds one file lock, so the lock is free only when all of them are gone.
"""

import fcntl
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from local.places import ROOT

GRANDCHILD = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
)
CHILD = f"""
import fcntl, subprocess, sys
lock = open(sys.argv[1], "w")
fcntl.flock(lock, fcntl.LOCK_EX)
stubborn = subprocess.Popen([sys.executable, "-c", {GRANDCHILD!r}], stdout=subprocess.PIPE, pass_fds=[lock.fileno()])
stubborn.stdout.readline()
print("ready", flush=True)
stubborn.wait()
"""
OWNER = f"""
import signal, sys
from collections.abc import Callable
from pathlib import Path
from local.supervised_process import SupervisedProcess
signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever runs the tests in the background has it ignored
process = SupervisedProcess([sys.executable, "-c", {CHILD!r}, sys.argv[1]], Path(sys.argv[2]))
sys.stdin.readline()
process.stop()
"""


def is_free(lock: Path) -> bool:
    with lock.open("a") as opened:
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def comes_true(condition: Callable[[], bool], within: float = 15) -> bool:
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.05)
    return False


@pytest.mark.parametrize("end", [None, signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_children_end_with_their_owner(tmp_path: Path, end: signal.Signals | None) -> None:
    lock, log = tmp_path / "lock", tmp_path / "log"
    command = [sys.executable, "-c", OWNER, str(lock), str(log)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as owner:
        assert owner.stdin
        assert comes_true(lambda: log.exists() and "ready" in log.read_text())
        assert not is_free(lock)
        if end is None:
            owner.stdin.write("stop\n")
            owner.stdin.flush()
        else:
            owner.send_signal(end)
        owner.wait(timeout=15)
        assert comes_true(lambda: is_free(lock))
