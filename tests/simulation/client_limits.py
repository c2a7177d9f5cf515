"""How often and how long a boto3 client tries a call, read from the configuration of the product's own clients."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from botocore.config import Config

from runtime.outside import AWS_CONFIG, PUBLISH_CONFIG

_BACK_OFF_MS: Final = 1_000
"""Botocore's standard mode waits up to this before the second attempt, and twice as long before each further one."""


@dataclass(frozen=True)
class ClientLimits:
    attempts: int
    connect_ms: int
    read_ms: int

    @classmethod
    def of(cls, config: Config) -> "ClientLimits":
        named = cast(Any, config)  # Its stubs lack what its constructor takes.
        return cls(
            named.retries["total_max_attempts"], round(1000 * named.connect_timeout), round(1000 * named.read_timeout)
        )

    def back_off_ms(self, retry: int) -> int:
        """The longest wait before this retry, from 1 on."""
        return _BACK_OFF_MS << (retry - 1)

    @property
    def longest_ms(self) -> int:
        """A call's longest time, if the server takes the connection late and never answers."""
        waits = sum(self.back_off_ms(retry) for retry in range(1, self.attempts))
        return self.attempts * (self.connect_ms + self.read_ms) + waits


LIMITS: Final[Mapping[str, ClientLimits]] = {
    "dynamodb": ClientLimits.of(AWS_CONFIG),
    "sqs": ClientLimits.of(AWS_CONFIG),
    "ssm": ClientLimits.of(AWS_CONFIG),
    "sns": ClientLimits.of(PUBLISH_CONFIG),
}
