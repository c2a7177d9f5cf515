"""AWS clients with limits that fit into an invocation, and the adapters that several entrances build on them."""

from typing import Final

import boto3
from aws_lambda_powertools import Logger
from botocore.config import Config

from adapters.message_queue import MessageQueue
from adapters.parameters import Parameters
from runtime.clock import now_ms

BATCH_SIZE: Final = 10
"""The most messages SQS delivers at once without a batching window: a thread for each."""

AWS_CONFIG: Final = Config(
    # Botocore waits 60 s + 60 s by default, longer than an invocation lasts.
    connect_timeout=1,
    read_timeout=3,
    retries={"mode": "standard", "total_max_attempts": 2},
    max_pool_connections=BATCH_SIZE,
    # Botocore puts its own together anew for every call, which is a tenth of the call's time.
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


def parameters(prefix: str, *entries: str, config: Config = AWS_CONFIG) -> Parameters:
    """The entries of Parameter Store that a function may read."""
    return Parameters(boto3.client("ssm", config=config), prefix, entries, now_ms, warn_of_stale_parameters)


def message_queue(url: str, dead_letter_url: str) -> MessageQueue:
    return MessageQueue(boto3.client("sqs", config=AWS_CONFIG), url, dead_letter_url)


def warn_of_stale_parameters(error: Exception) -> None:
    logger.warning("parameters_stale", detail=f"Parameter Store is out of reach ({type(error).__name__}).")
