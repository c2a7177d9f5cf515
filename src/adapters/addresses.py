"""Which addresses may be called: https anywhere, plain http to this machine alone, because keys travel in requests."""

from typing import Final
from urllib.parse import urlsplit

THIS_MACHINE: Final = ("127.0.0.1", "localhost", "::1", "host.docker.internal")
"""The last one is how a container names the machine that it runs on."""


def is_safe(url: str) -> bool:
    """True for an https address, or an http one of this machine. Never raises."""
    try:
        parts = urlsplit(url)
        reachable = bool(parts.hostname) and parts.port != 0  # Reading the port checks it.
    except ValueError:
        return False
    well_formed = reachable and url.isascii() and not any(character.isspace() for character in url)
    return well_formed and (parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in THIS_MACHINE))
