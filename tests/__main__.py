"""`make test`: every test, in three processes at the same time. Two mostly wait for deployed stacks, one computes.

The computing part is shown while it runs, the others when they are done. The exit code is that of the first to fail.
"""

import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

WAITING = ("tests/e2e", "tests/own_stack")
APART = "tests/docker"  # needs a Docker daemon: `make test-docker`
COMPUTING = tuple(
    str(folder)
    for folder in sorted(Path("tests").iterdir())
    if folder.is_dir() and str(folder) not in {*WAITING, APART} and any(folder.glob("**/test_*.py"))
)
LOGS = Path("build/local")


def main() -> int:
    LOGS.mkdir(parents=True, exist_ok=True)
    logs = {folder: LOGS / f"{folder.replace('/', '-')}.log" for folder in WAITING}
    with ExitStack() as stack:
        waiting = []
        for folder, log in logs.items():
            output = stack.enter_context(log.open("wb"))
            waiting.append(
                stack.enter_context(subprocess.Popen(_pytest(folder), stdout=output, stderr=subprocess.STDOUT))
            )
            print(f"▸ {folder} runs in the background; its log is {log}", flush=True)
        codes = [subprocess.run(_pytest(*COMPUTING), check=False).returncode]
        print(f"▸ Waiting for {' and '.join(WAITING)}", flush=True)
        codes += [process.wait() for process in waiting]
    for log in logs.values():
        print(log.read_text(), end="", flush=True)
    return next(filter(None, codes), 0)


def _pytest(*folders: str) -> list[str]:
    # Two at once must not write the same cache.
    return [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *folders]


if __name__ == "__main__":
    sys.exit(main())
