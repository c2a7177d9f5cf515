"""Where things are in this project, and how a failure of the local stack is told."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[1]
TEMPLATE = ROOT / "template.yaml"
SOURCES = ROOT / "src"
TOOLS = ROOT / ".tools"
STATE = ROOT / "build" / "local"
LOOPBACK = "127.0.0.1"

LOG_LINES_SHOWN = 20


class LocalStackError(Exception):
    """What failed, in words, with the last lines of the log that tells more."""

    def __init__(self, what: str, log: Path | None = None) -> None:
        self.what = what
        self.log = log
        super().__init__(what if log is None else f"{what}\n{self._end_of_log(log)}\nThe whole log: {shown(log)}")

    @staticmethod
    def _end_of_log(log: Path) -> str:
        lines = log.read_text(errors="replace").splitlines() if log.exists() else []
        return "\n".join(f"  │ {line}" for line in lines[-LOG_LINES_SHOWN:]) or "  │ (the log is empty)"


def shown(path: Path) -> str:
    """A path as a person in the project's folder would type it."""
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)


def tool(environment: str, command: str) -> Path:
    """A command of one of the environments that make sets up."""
    path = TOOLS / environment / "bin" / command
    if not path.exists():
        raise LocalStackError(f"{shown(path)} is missing. `make run` and `make test` set everything up themselves.")
    return path
