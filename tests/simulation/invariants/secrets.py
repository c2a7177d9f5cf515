"""Promise 6: no secret and no spoken word leaves for a log line, no secret for the table."""

from typing import Final

from tests.simulation.recordings import SPOKEN
from tests.simulation.world import Violated

SECRET: Final = "SECRET"
"""Part of every secret."""


def check_log_line(text: str) -> None:
    for marker in (SPOKEN, SECRET):
        if marker in text:
            at = text.index(marker)
            raise Violated(6, f"a log line holds …{text[max(0, at - 60) : at + 40]}…")
