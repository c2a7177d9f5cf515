"""A deployed stack, found by its name."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, Final

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from cli.errors import CommandError, Exit

AWS: Final = Config(connect_timeout=5, read_timeout=20, retries={"mode": "standard", "total_max_attempts": 8})
"""For commands that read or write much: a throttled call is tried again."""
OURS = {"EventQueueUrl", "OutcomeTableName"}
"""Outputs by which a deployment of this product is known."""


@dataclass(frozen=True)
class Stack:
    """What CloudFormation knows of a deployment: its state, and the values of its parameters and outputs."""

    name: str
    status: str
    parameters: dict[str, str]
    outputs: dict[str, str]


def session_in(region: str | None) -> boto3.Session:
    """A session in this region, else in that of AWS_REGION (which boto3 itself does not read), else the profile's."""
    return boto3.Session(region_name=region or os.environ.get("AWS_REGION"))


def find_stack(session: boto3.Session, name: str) -> Stack | None:
    """The stack of this name, or ARN, in the session's region; None if there is none. Raises botocore's errors."""
    try:
        found: Any = session.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as error:
        if "does not exist" in str(error):
            return None
        raise
    return Stack(
        found["StackName"],
        found["StackStatus"],
        {each["ParameterKey"]: each["ParameterValue"] for each in found.get("Parameters", [])},
        {each["OutputKey"]: each["OutputValue"] for each in found.get("Outputs", [])},
    )


def require_stack(session: boto3.Session, name: str) -> Stack:
    """The deployment of this name. Raises `CommandError` where it is none of ours or not finished."""
    stack = find_stack(session, name)
    if stack is None:
        raise CommandError(
            f"There is no stack named {name} in {session.region_name}. Is it another name, or another region?",
            Exit.UNREACHABLE,
        )
    if not stack.outputs.keys() >= OURS:
        raise CommandError(
            f"{name} is not a deployment of IdentityCall Alerts, or not finished ({stack.status}).", Exit.UNREACHABLE
        )
    return stack
