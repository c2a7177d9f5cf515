"""What `initialisation` runs in fresh interpreters. It imports nothing by itself, so that nothing is there already."""

from __future__ import annotations

import json
import sys
import time
from typing import Any


def ours() -> float:
    """Seconds of CPU to import the evaluation function and to build its worker."""
    before = time.process_time()
    from handlers import evaluate_recordings

    evaluate_recordings.worker()
    spent = time.process_time() - before
    assert callable(evaluate_recordings.lambda_handler)
    return spent


def floor(imports: str, clients: list[str]) -> float:
    """Seconds of CPU for the imports of third-party packages and the clients, and nothing else."""
    code = compile(imports, "imports", "exec")
    before = time.process_time()
    exec(code, {})  # noqa: S102 - our own import statements
    import boto3
    from botocore.config import Config

    config = Config(
        connect_timeout=1, read_timeout=3, retries={"mode": "standard", "max_attempts": 3}, max_pool_connections=10
    )
    for service in clients:
        boto3.client(service, config=config)  # type: ignore[call-overload]
    return time.process_time() - before


def probe() -> dict[str, Any]:
    """What ours imports and which clients it makes."""
    from unittest.mock import patch

    import boto3

    with patch("boto3.client", wraps=boto3.client) as client:
        ours()
    return {"imports": _third_party_imports(), "clients": [call.args[0] for call in client.call_args_list]}


def _third_party_imports() -> str:
    """The statements, in the order in which our modules were loaded; not those for type checkers alone."""
    import ast
    from pathlib import Path

    from local.places import SOURCES

    not_theirs = {path.stem for path in SOURCES.iterdir()} | set(sys.stdlib_module_names)
    statements: dict[str, None] = {}
    for module in list(sys.modules.values()):
        file = getattr(module, "__file__", None)
        if not file or not Path(file).is_relative_to(SOURCES):
            continue
        for node in ast.parse(Path(file).read_text()).body:
            match node:
                case ast.ImportFrom(module=str(name)):
                    names = [name]
                case ast.Import():
                    names = [alias.name for alias in node.names]
                case _:
                    continue
            if not {name.partition(".")[0] for name in names} & not_theirs:
                statements[ast.unparse(node)] = None
    return "\n".join(statements)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["ours"]:
            print(json.dumps(ours()))
        case ["floor", imports, *clients]:
            print(json.dumps(floor(imports, clients)))
        case ["probe"]:
            print(json.dumps(probe()))
