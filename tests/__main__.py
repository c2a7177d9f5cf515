"""`make test`: every test, in two halves at the same time. One mostly waits for deployed stacks, the other computes.

The second half is shown while it runs, the first when both are done. The exit code is that of the first to fail.
"""

import subprocess
import sys
from pathlib import Path

WAITING = "tests/e2e"
APART = "tests/docker"  # needs a Docker daemon: `make test-docker`
COMPUTING = tuple(
    str(folder)
    for folder in sorted(Path("tests").iterdir())
    if folder.is_dir() and str(folder) not in {WAITING, APART} and any(folder.glob("test_*.py"))
)
LOG = Path("build/local/tests-on-the-stack.log")


def main() -> int:
    LOG.parent.mkdir(parents=True, exist_ok=True)
    with LOG.open("wb") as log, subprocess.Popen(_pytest(WAITING), stdout=log, stderr=subprocess.STDOUT) as waiting:
        print(f"▸ {WAITING} runs in the background; its log is {LOG}", flush=True)
        computed = subprocess.run(_pytest(*COMPUTING), check=False).returncode
        print(f"▸ Waiting for {WAITING}", flush=True)
        waited = waiting.wait()
    print(LOG.read_text(), end="", flush=True)
    return computed or waited


def _pytest(*folders: str) -> list[str]:
    # Two at once must not write the same cache.
    return [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *folders]


if __name__ == "__main__":
    sys.exit(main())
