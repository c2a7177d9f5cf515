"""The deployed package of the evaluation function, unzipped, part by part."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from rich.console import Console

from benchmarks import view
from benchmarks.view import Verdict
from local import sam
from local.emulator import Interpreter
from local.places import SOURCES

TARGET_MB = 30.0
_MB = 1_000_000


def show(console: Console) -> list[Verdict]:
    interpreter = Interpreter.of_emulator()
    with console.status("sam build …"):
        sam.build(interpreter)
    parts = _parts(sam.built_template().parent / "EvaluationFunction")
    whole = sum(parts.values()) / _MB
    table = view.table("", "MB")
    for part, size in parts.most_common():
        table.add_row(part, f"{size / _MB:.2f}")
    table.add_section()
    table.add_row("together", f"{whole:.2f}", style="bold")
    view.show(
        console,
        f"The built package, unzipped ({interpreter.runtime}, {interpreter.architecture})",
        table,
        "boto3 is not in it: the Lambda runtime brings it. Each package with its metadata; ours is src/.",
    )
    assert "boto3" not in parts
    return [Verdict("Built package, unzipped", f"{whole:.1f} MB", f"≤ {TARGET_MB:.0f} MB", whole <= TARGET_MB)]


def _parts(built: Path) -> Counter[str]:
    """Bytes of each top-level package; what came from src/ is one."""
    ours = {path.name for path in SOURCES.iterdir()}
    parts: Counter[str] = Counter()
    for path in built.rglob("*"):
        if path.is_file():
            top = path.relative_to(built).parts[0]
            parts["ours" if top in ours else _package(top)] += path.stat().st_size
    return parts


def _package(top: str) -> str:
    """`pydantic_core-2.50.4.dist-info` belongs to `pydantic_core`."""
    return top.partition("-")[0] if top.endswith((".dist-info", ".data")) else top
