"""Everything that a worker uses outside its own process: AWS, the clock, chance. Tests and the simulator replace it."""

import random
import time
from functools import cached_property
from typing import TYPE_CHECKING, Final

import boto3
from aws_lambda_powertools import Logger
from botocore.config import Config

from adapters.message_queue import MessageQueue
from adapters.parameters import Parameters
from runtime.metrics import EmfMeter

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_ssm import SSMClient

BATCH_SIZE: Final = 10
"""The most messages SQS delivers at once without a batching window: a thread for each."""

AWS_CONFIG: Final = Config(
    # Botocore waits 60 s + 60 s by default, longer than an invocation lasts.
    connect_timeout=1,
    read_timeout=3,
    retries={"mode": "standard", "total_max_attempts": 2},
    max_pool_connections=BATCH_SIZE,
    # Botocore composes its own for every call, which takes a tenth of the call's time.
    user_agent="identitycall-alerts",
)

# Botocore would publish again after a lost answer, and nothing would count it. The outbox repeats, and counts.
PUBLISH_CONFIG: Final = AWS_CONFIG.merge(Config(retries={"mode": "standard", "total_max_attempts": 1}))

WEBHOOK_CONFIG: Final = Config(
    # A webhook's caller hangs up after 10 or 15 s; two calls must fit in.
    connect_timeout=1,
    read_timeout=2,
    retries={"mode": "standard", "total_max_attempts": 2},
)

logger = Logger()


class Outside:
    """A client is made at its first use: a function loads only the services that it calls."""

    def __init__(self, config: Config = AWS_CONFIG) -> None:
        self._config = config

    @cached_property
    def dynamodb(self) -> "DynamoDBClient":
        return boto3.client("dynamodb", config=self._config)

    @cached_property
    def sns(self) -> "SNSClient":
        return boto3.client("sns", config=PUBLISH_CONFIG)

    @cached_property
    def sqs(self) -> "SQSClient":
        return boto3.client("sqs", config=self._config)

    @cached_property
    def ssm(self) -> "SSMClient":
        return boto3.client("ssm", config=self._config)

    def parameters(self, prefix: str, *entries: str) -> Parameters:
        """The entries of Parameter Store that a function may read."""
        return Parameters(self.ssm, prefix, entries, self.now_ms, _warn_of_stale_parameters)

    def message_queue(self, url: str, dead_letter_url: str) -> MessageQueue:
        return MessageQueue(self.sqs, url, dead_letter_url, self.now_ms)

    def meter(self) -> EmfMeter:
        return EmfMeter()

    def now_ms(self) -> int:
        """Epoch milliseconds."""
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        """Seconds of a clock that is never set."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)

    def random(self) -> float:
        """Uniform in [0, 1)."""
        return random.random()  # noqa: S311 - spreads retries, guards nothing


def _warn_of_stale_parameters(error: Exception) -> None:
    logger.warning("parameters_stale", detail=f"Parameter Store is out of reach ({type(error).__name__}).")
