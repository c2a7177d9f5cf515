"""Checks of the tracked files that no linter makes: locks agree with their .in files, and no file names a machine.

A lock must hold, with hashes, every version that its .in file names. .venv must get the packages that the functions
are deployed with. A registry's address or a machine's path would work on one machine only. Needs no network.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from packaging.requirements import Requirement

from local.places import ROOT

LOCKS = sorted([*ROOT.glob("requirements/*.txt"), ROOT / "src" / "requirements.txt"])
RUNTIME, DEV = ROOT / "src" / "requirements.txt", ROOT / "requirements" / "dev.txt"

_PINNED = re.compile(r"^([a-z0-9][a-z0-9._-]*)==([^\s;\\]+)(.*(?:\n    --hash=.*)*)", re.MULTILINE)
_TRACES = {
    "a registry's address": re.compile(r"--(extra-)?index-url|https?://[^ \"]+/simple([/\" ]|$)"),
    "a machine's path": re.compile(r"(^|[^A-Za-z0-9_.$~-])/(work|root|farm|home|Users)/[A-Za-z]"),
}


def faults() -> Iterator[str]:
    for lock in LOCKS:
        yield from _lock_faults(lock)
    deployed, tested = _versions(RUNTIME), _versions(DEV)
    for package in deployed:
        if tested.get(package) != deployed[package]:
            yield f"{DEV.name} has {package} {tested.get(package)}, the functions {deployed[package]}: make lock"
    yield from _traces()


def _lock_faults(lock: Path) -> Iterator[str]:
    name = lock.relative_to(ROOT)
    for package, version, rest in _PINNED.findall(lock.read_text()):
        if "--hash=sha256:" not in rest:
            yield f"{name}: {package}=={version} has no hash: make lock"
    locked = _versions(lock)
    for requirement in _asked_for(lock.with_suffix(".in")):
        if not requirement.specifier:
            yield f"{name}: {requirement.name} is asked for in no version"
        if not any(requirement.specifier.contains(version) for version in locked.get(requirement.name, ())):
            yield f"{name} does not hold {requirement}: make lock"


def _asked_for(path: Path) -> Iterator[Requirement]:
    for line in path.read_text().splitlines():
        requirement = line.split("#")[0].strip()
        if requirement and not requirement.startswith("-"):
            yield Requirement(requirement)


def _versions(lock: Path) -> dict[str, set[str]]:
    """The versions of each package: more than one where they differ by Python version or platform."""
    versions: dict[str, set[str]] = {}
    for package, version, _ in _PINNED.findall(lock.read_text()):
        versions.setdefault(package, set()).add(version)
    return versions


def _traces() -> Iterator[str]:
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, tracked.split("\0")):
        path = ROOT / name
        if not path.is_file() or path == Path(__file__):
            continue
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), start=1):
            for what, trace in _TRACES.items():
                if trace.search(line):
                    yield f"{name}:{number} names {what}: {line.strip()[:100]}"


if __name__ == "__main__":
    found = list(faults())
    print("\n".join(found) or f"{len(LOCKS)} locks in step, no trace of a machine in the tracked files.")
    sys.exit(1 if found else 0)
