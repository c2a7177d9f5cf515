"""The variables that `sam local invoke` sets in a container, so that a function works on the local stack.

`local/env-vars.json` holds them for the default ports; samconfig.toml names it. It can be a tracked file because the
emulator derives the resources' names from the stack's name. Print it anew, while `make up` runs:

    .venv/bin/python -m local env-vars > local/env-vars.json
"""

from __future__ import annotations

import json
from pathlib import Path

from local.container_gateway import HOST_IN_CONTAINERS
from local.deployment import Deployment
from local.places import LOOPBACK, ROOT
from local.ports import Ports

DEFAULT_FILE = ROOT / "local" / "env-vars.json"


def container_environment(stack: Deployment, ports: Ports) -> dict[str, str]:
    """What all functions are told in the deployed stack, with the addresses that a container must use."""
    told: dict[str, str] = {}
    for function in sorted(stack.logical_ids("AWS::Lambda::Function")):
        told |= stack.configuration(function)["Environment"]["Variables"]
    del told["POWERTOOLS_SERVICE_NAME"]  # It differs from function to function, and SAM knows it.
    told["AWS_ENDPOINT_URL"] = f"http://{HOST_IN_CONTAINERS}:{ports.for_containers}"
    return {name: told[name].replace(f"//{LOOPBACK}:", f"//{HOST_IN_CONTAINERS}:") for name in sorted(told)}


def as_file(environment: dict[str, str]) -> str:
    """As SAM wants it: "Parameters" stands for every function that declares the variable."""
    return json.dumps({"Parameters": environment}, indent=2) + "\n"


def write_where_needed(environment: dict[str, str], folder: Path) -> Path:
    """The file that holds these variables: the tracked one, or one in `folder` where the ports are others."""
    content = as_file(environment)
    if DEFAULT_FILE.exists() and DEFAULT_FILE.read_text() == content:
        return DEFAULT_FILE
    file = folder / "env-vars.json"
    file.write_text(content)
    return file
