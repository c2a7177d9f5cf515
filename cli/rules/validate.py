"""`ica rules validate`: every fault of a document, by its path."""

from __future__ import annotations

from pathlib import Path

from cli.console import print_json, say
from cli.errors import Exit
from cli.options import Output
from cli.rules.document import Document, read_document
from cli.rules.files import FileInvalid
from domain import wording


def validate(path: Path, output: Output) -> Exit:
    """Show the faults, as a list of `{path, message}` in JSON. Raises `CommandError` where no file can be read."""
    document: Document | None = None
    faults: tuple[tuple[str, str], ...] = ()
    try:
        document = read_document(path)
    except FileInvalid as invalid:
        faults = invalid.faults
    if output is Output.JSON:
        print_json([{"path": place, "message": sentence} for place, sentence in faults])
    else:
        for place, sentence in faults:
            print(f"{place}: {sentence}")
        if document:
            print(f"{path} is valid: {document.summary()}.")
    if faults:
        say(f"{path} is refused as a whole: {wording.counted(len(faults), 'fault', 'faults')}.")
    return Exit.MISUSED if faults else Exit.FINE
