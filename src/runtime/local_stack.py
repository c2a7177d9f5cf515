"""For a developer's machine only: a function in a container says in one line that the local stack is not running.

`AWS_ENDPOINT_URL` is not set on AWS. Under `sam local invoke` it names the stack that `make up` keeps running.
"""

import socket
from typing import Final
from urllib.parse import urlsplit

_CONNECT_TIMEOUT_S: Final = 3


class LocalStackUnreachable(Exception):
    """Nothing listens at `AWS_ENDPOINT_URL`. The developer must start the local stack."""


def require_local_stack(endpoint_url: str) -> None:
    """Raise `LocalStackUnreachable` if nothing listens at this address; an empty one is AWS itself."""
    if not endpoint_url:
        return
    address = urlsplit(endpoint_url)
    try:
        socket.create_connection((address.hostname or "", address.port or 80), _CONNECT_TIMEOUT_S).close()
    except OSError:
        raise LocalStackUnreachable(
            f"Nothing answers at {endpoint_url}. Start the local stack in another terminal: make up"
        ) from None
