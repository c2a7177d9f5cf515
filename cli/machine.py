"""Which Pythons this machine has: `sam build` needs the one it builds for."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterable


def installed(runtimes: Iterable[str]) -> list[str]:
    """Those of these Lambda runtimes, such as `python3.13`, whose Python runs here under its own name."""
    return [runtime for runtime in runtimes if _runs(runtime)]


def _runs(runtime: str) -> bool:
    # A name on PATH proves little: version managers leave shims that fail.
    code = "import sys; print('python%d.%d' % sys.version_info[:2])"
    path = shutil.which(runtime)
    if path is None:
        return False
    done = subprocess.run([path, "-c", code], capture_output=True, text=True, check=False)
    return done.stdout.strip() == runtime
