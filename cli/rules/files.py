"""Files that operators write: read within a limit, with every fault named by its path."""

from __future__ import annotations

from pathlib import Path
from typing import TypeAlias

from cli.errors import CommandError, Exit

Fault: TypeAlias = tuple[str, str]
"""A path in the file (`rules[2].scope.languages`), and a sentence."""

_NOT_UTF8 = "is not UTF-8; save the file in that encoding"


class FileInvalid(CommandError):
    """A file that is refused as a whole. `faults` are all that is wrong with it."""

    def __init__(self, path: Path, faults: tuple[Fault, ...]) -> None:
        told = "\n".join(f"  {place}: {sentence}" for place, sentence in faults)
        super().__init__(f"{path} is refused as a whole:\n{told}", Exit.MISUSED)
        self.path = path
        self.faults = faults


def read_text(path: Path, most_bytes: int) -> str:
    """The file's text. Raises `FileInvalid` where it is too large or not UTF-8, `CommandError` where none can be read.

    Some editors write a mark of the byte order first; it is no part of the text.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(most_bytes + 1)
    except (OSError, ValueError) as error:  # a ValueError is a name that no file can have
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise CommandError(f"{path} cannot be read: {why}.") from None
    if len(raw) > most_bytes:
        raise FileInvalid(path, (("document", f"has over {most_bytes:,} bytes, which is too much"),))
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise FileInvalid(path, (("document", _NOT_UTF8),)) from None
