"""The trace of a run: one line an action, with its time and actor."""

from hashlib import sha256


class Trace:
    def __init__(self) -> None:
        self._lines: list[str] = []

    def add(self, at_ms: int, actor: str, text: str) -> None:
        hours, rest = divmod(at_ms, 3_600_000)
        minutes, ms = divmod(rest, 60_000)
        self._lines.append(f"{hours:3d}:{minutes:02d}:{ms / 1000:06.3f}  {actor:<14} {text}")

    def text(self) -> str:
        return "\n".join(self._lines)

    def fingerprint(self) -> str:
        """Equal for equal traces."""
        return sha256(self.text().encode()).hexdigest()[:16]
