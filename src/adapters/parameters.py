"""The operator's entries in Parameter Store, read by name and cached for 60 seconds: a change needs no deploy.

During an outage of Parameter Store this cache keeps the last values, so judging goes on. Powertools' cache would raise.
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
    """Entries under one prefix: `parameters["rules"]` is the text, or `None` if nothing is stored.

    Raises botocore's errors only if no read has ever succeeded. `on_stale` is called when old values are kept.
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
        """The same without a slow read: a value up to a minute older will do."""
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
