"""A measurement in a process of its own, so that nothing else of the project is counted.

The child's standard output goes to a file, as a function's goes to its log. Its findings come back through a pipe.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from typing import Any

from benchmarks.world import FOLDER
from local.places import ROOT, SOURCES, LocalStackError

Progress = Callable[[float], None]
"""Told how much of the work is done, 0 to 1."""


def measured(part: str, environment: Mapping[str, str], progress: Progress) -> Any:
    """What `benchmarks.<part>.inside(progress)` returns in a fresh interpreter, through JSON."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    log = FOLDER / f"{part}.log"
    reading, writing = os.pipe()
    with log.open("wb") as output:
        child = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.child", part, str(writing)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=child_environment(environment),
            cwd=ROOT,
            pass_fds=[writing],
        )
    os.close(writing)
    found: Any = None
    try:
        with os.fdopen(reading) as lines:
            for line in lines:
                message = json.loads(line)
                if "done" in message:
                    progress(message["done"])
                else:
                    found = message["found"]
        status = child.wait()
    finally:
        child.kill()
        child.wait()
    if status != 0:
        raise LocalStackError(f"The measurement `{part}` failed.", log)
    return found


def child_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Modules are imported as in Lambda (`from domain.rules.document import …`), and ours beside them."""
    return {**environment, "PYTHONPATH": os.pathsep.join([str(SOURCES), str(ROOT)])}


def main(part: str, file_descriptor: int) -> None:
    with os.fdopen(file_descriptor, "w", buffering=1) as pipe:

        def say(**message: Any) -> None:
            pipe.write(json.dumps(message) + "\n")

        inside = importlib.import_module(f"benchmarks.{part}").inside
        say(found=inside(lambda done: say(done=done)))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
