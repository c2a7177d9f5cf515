"""`sam build` and `sam deploy` of the real template, for the local stack; `emulated_template` says what it leaves out.

It has a build folder of its own: a build for this machine's Python must never be what `make deploy` deploys.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import yaml

from local import emulated_template
from local.emulator import REGION, Interpreter
from local.places import ROOT, SOURCES, STATE, TEMPLATE, TOOLS, LocalStackError, tool
from local.supervised_process import SupervisedProcess

_FOLDER = STATE / "sam"
_BUILT = _FOLDER / "build"
_STAMP = _FOLDER / "built-from"
BUCKET = "local-deployment"


def built_template() -> Path:
    return _BUILT / "template.yaml"


def is_built(interpreter: Interpreter) -> bool:
    """Whether the last build was of exactly these sources, for this Python."""
    return _STAMP.exists() and _STAMP.read_text() == _fingerprint(interpreter)


def build(interpreter: Interpreter) -> None:
    """Build, unless that is done already. Two stacks that start at once build once."""
    with _one_at_a_time():
        if is_built(interpreter):
            return
        _STAMP.unlink(missing_ok=True)
        fingerprint = _fingerprint(interpreter)
        overrides = {"PythonRuntime": interpreter.runtime, "Architecture": interpreter.architecture}
        _sam(
            "sam build failed.",
            STATE / "sam-build.log",
            *("build", "--template-file", str(TEMPLATE), "--build-dir", str(_BUILT)),
            *("--cached", "--cache-dir", str(_FOLDER / "cache"), "--parallel"),
            *("--parameter-overrides", *_pairs(overrides)),
        )
        built_template().write_text(
            yaml.safe_dump(emulated_template.amended(yaml.safe_load(built_template().read_text())), sort_keys=False)
        )
        _STAMP.write_text(fingerprint)


def deploy(stack_name: str, overrides: Mapping[str, str], environment: Mapping[str, str], log: Path) -> None:
    """Deploy what was built into the AWS that `environment` points at; `BUCKET` must be there."""
    _sam(
        "sam deploy failed.",
        log,
        *("deploy", "--template-file", str(built_template()), "--stack-name", stack_name),
        *("--s3-bucket", BUCKET, "--region", REGION, "--capabilities", "CAPABILITY_IAM"),
        *("--no-confirm-changeset", "--no-progressbar"),
        *("--parameter-overrides", *_pairs(overrides)),
        environment=environment,
    )


def _sam(failure: str, log: Path, *arguments: str, environment: Mapping[str, str] | None = None) -> None:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("AWS_") and name != "API_KEY"}
    # The emulator's environment first: there is the Python of the right version, with pip, that sam build looks for.
    path = os.pathsep.join([str(TOOLS / "emulator" / "bin"), inherited.get("PATH", "")])
    process = SupervisedProcess(
        [str(tool("sam", "sam")), *arguments],
        log,
        env={
            **inherited,
            "PATH": path,
            "AWS_DEFAULT_REGION": REGION,
            "SAM_CLI_TELEMETRY": "0",
            "SAM_CLI_POLL_DELAY": "0.2",  # the emulator is done at once; the default waits 5 s
            **(environment or {}),
        },
        cwd=ROOT,
    )
    try:
        if process.wait() != 0:
            raise LocalStackError(failure, log)
    finally:
        process.stop()


def _pairs(overrides: Mapping[str, str]) -> list[str]:
    return [f'{name}="{value}"' for name, value in overrides.items()]  # SAM splits values at spaces


def _fingerprint(interpreter: Interpreter) -> str:
    digest = hashlib.sha256(f"{interpreter}".encode())
    for path in (
        TEMPLATE,
        Path(emulated_template.__file__),
        ROOT / "requirements" / "sam.txt",
        *sorted(_source_files()),
    ):
        digest.update(f"\n{path.relative_to(ROOT)}\n".encode() + path.read_bytes())
    return digest.hexdigest()


def _source_files() -> Iterator[Path]:
    return (path for path in SOURCES.rglob("*") if path.is_file() and "__pycache__" not in path.parts)


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    _FOLDER.mkdir(parents=True, exist_ok=True)
    with (_FOLDER / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
