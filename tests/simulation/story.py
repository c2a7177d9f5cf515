"""A history that a person can read: who did what when, one line each."""

from hashlib import sha256


class Story:
    def __init__(self) -> None:
        self._lines: list[str] = []

    def add(self, at_ms: int, who: str, text: str) -> None:
        hours, rest = divmod(at_ms, 3_600_000)
        minutes, ms = divmod(rest, 60_000)
        self._lines.append(f"{hours:3d}:{minutes:02d}:{ms / 1000:06.3f}  {who:<14} {text}")

    def text(self) -> str:
        return "\n".join(self._lines)

    def fingerprint(self) -> str:
        """Tells whether two histories are the same one."""
        return sha256(self.text().encode()).hexdigest()[:16]
