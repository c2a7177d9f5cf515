"""Where commands speak: data on standard output, everything else on standard error."""

from __future__ import annotations

import io
import json
import sys
from typing import Any, Final

from rich.console import Console

out: Final = Console(highlight=False)
err: Final = Console(stderr=True, highlight=False)


def say(line: str) -> None:
    """A sentence beside the data, unwrapped."""
    print(line, file=sys.stderr, flush=True)


def print_json(value: Any) -> None:
    print(json.dumps(value, ensure_ascii=False, indent=2))


def never_stumble() -> None:
    """Show what the terminal's encoding lacks as an escape, instead of ending with a traceback."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
