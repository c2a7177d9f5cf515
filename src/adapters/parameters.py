"""The operator's entries in Parameter Store, read by name and kept for 60 seconds, so that a change needs no deploy.

Powertools' own cache raises when an entry expires while Parameter Store is out of reach; this one goes on with what it
knows, because an outage there is no reason to stop judging.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from botocore.exceptions import BotoCoreError, ClientError

from domain.ports import Clock

if TYPE_CHECKING:
    from mypy_boto3_ssm import SSMClient

KEPT_MS: Final = 60_000


class Parameters:
    """Entries under one prefix: `parameters["rules"]` is the text, or `None` where nothing is stored.

    Raises botocore's errors only while nothing has ever been read. `on_stale` is told of an outage bridged.
    """

    def __init__(
        self,
        ssm: "SSMClient",
        prefix: str,
        entries: Sequence[str],
        now_ms: Clock,
        on_stale: Callable[[Exception], None],
    ) -> None:
        self._ssm = ssm
        self._paths = {f"{prefix}/{entry}": entry for entry in entries}
        self._now_ms = now_ms
        self._on_stale = on_stale
        self._lock = threading.Lock()
        self._values: Mapping[str, str] | None = None
        self._fresh_until_ms = 0

    def __getitem__(self, entry: str) -> str | None:
        return self._kept(entry, 0)

    def at_hand(self, entry: str) -> str | None:
        """The same for a moment at which nothing may take long: what is read anew a minute later will do."""
        return self._kept(entry, KEPT_MS)

    def _kept(self, entry: str, longer_ms: int) -> str | None:
        with self._lock:
            if self._values is None or self._now_ms() >= self._fresh_until_ms + longer_ms:
                self._values = self._read()
                self._fresh_until_ms = self._now_ms() + KEPT_MS
            return self._values.get(entry)

    def _read(self) -> Mapping[str, str]:
        try:
            found = self._ssm.get_parameters(Names=list(self._paths), WithDecryption=True)
        except (ClientError, BotoCoreError) as error:
            if self._values is None:
                raise
            self._on_stale(error)
            return self._values
        return {self._paths[entry["Name"]]: entry["Value"] for entry in found["Parameters"]}
