"""`make check`: known vulnerabilities of the pinned packages, asked of osv.dev where that can be reached.

A finding in a deployed package or an operator's package fails the check. One in a development tool is only shown.
"""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

from local.check_tree import LOCKS
from local.places import ROOT, tool

SERVICE = ("api.osv.dev", 443)
BINDING = {"src/requirements.txt", "requirements/operator.txt"}


def main() -> int:
    try:
        socket.create_connection(SERVICE, timeout=5).close()
    except OSError:
        print(f"Known vulnerabilities were not looked for: {SERVICE[0]} cannot be reached from here.")
        return 0
    return max(_audit(lock.relative_to(ROOT)) for lock in LOCKS)


def _audit(lock: Path) -> int:
    print(f"▸ {lock}", flush=True)
    command = [str(tool("audit", "pip-audit")), "--disable-pip", "--require-hashes", "--vulnerability-service", "osv"]
    found = subprocess.run([*command, "--requirement", str(lock)], cwd=ROOT, check=False).returncode
    return found if str(lock) in BINDING else 0


if __name__ == "__main__":
    sys.exit(main())
