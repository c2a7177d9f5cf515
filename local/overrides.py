"""The template parameters that `make build` and `make deploy` both give to SAM: what an earlier deployment saved in
samconfig.toml, with the Python and the processor that the build is for.

Overrides on the command line replace the saved ones as a whole. So they are given whole: else deploying again and
taking every offered value would quietly forget, say, AlertEmail.
"""

from __future__ import annotations

import shlex
import sys
import tomllib
from typing import Any

from local.places import ROOT

ARCHITECTURE = "arm64"  # cheaper on Lambda, and starts faster


def overrides(configuration: dict[str, Any], stage: str, runtime: str = "", architecture: str = "") -> dict[str, str]:
    """Name and value of each parameter to be given. An empty `runtime` is this Python's, because `sam build` needs the
    Python it builds for; an empty `architecture` the saved one."""
    saved = _saved(configuration.get(stage, {}))
    return {
        **saved,
        "Stage": stage,
        "PythonRuntime": runtime or f"python{sys.version_info.major}.{sys.version_info.minor}",
        "Architecture": architecture or saved.get("Architecture", ARCHITECTURE),
    }


def _saved(environment: dict[str, Any]) -> dict[str, str]:
    """A deployment with `--guided` saves one text under `deploy`, which SAM prefers to what stands under `global`."""
    pairs: dict[str, str] = {}
    for command in ("global", "deploy"):
        written = environment.get(command, {}).get("parameters", {}).get("parameter_overrides", [])
        for text in [written] if isinstance(written, str) else written:
            pairs |= dict(pair.split("=", 1) for pair in shlex.split(text))
    return pairs


if __name__ == "__main__":
    with (ROOT / "samconfig.toml").open("rb") as file:
        chosen = overrides(tomllib.load(file), *sys.argv[1:])
    # Quoted twice: for SAM, which wants an empty value as "", and for the shell.
    print(shlex.join(f'{name}="{value}"' for name, value in chosen.items()))
