"""Files as an operator writes them, and a deployed stack in an AWS account of this process."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from tests.fakes.account import REGION

Write = Callable[[str, Any], Path]
STACK = "alerts"
ENTRY = f"/{STACK}/rules"
TEMPLATE = {
    "Parameters": {"MaxPauseMs": {"Type": "Number", "Default": 4000}},
    "Resources": {"Queue": {"Type": "AWS::SQS::Queue"}},
    "Outputs": {name: {"Value": "x"} for name in ("EventQueueUrl", "OutcomeTableName")},
}


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a file by its name: bytes and text as they are, anything else as JSON."""

    def write(name: str, content: Any) -> Path:
        path = tmp_path / name
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
        return path

    return write


@dataclass(frozen=True)
class Deployed:
    """The stack `alerts`, with MaxPauseMs 4000."""

    ssm: Any

    def put(self, document: Any, **more: Any) -> None:
        value = document if isinstance(document, str) else json.dumps(document)
        self.ssm.put_parameter(Name=ENTRY, Value=value, Type="String", Overwrite=True, **more)

    def versions(self) -> list[Any]:
        """Every version of every parameter of the account."""
        names = [each["Name"] for each in self.ssm.describe_parameters()["Parameters"]]
        return [each for name in names for each in self.ssm.get_parameter_history(Name=name)["Parameters"]]


@pytest.fixture
def deployed(monkeypatch: pytest.MonkeyPatch) -> Iterator[Deployed]:
    monkeypatch.setenv("AWS_REGION", REGION)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        boto3.client("cloudformation", REGION).create_stack(StackName=STACK, TemplateBody=json.dumps(TEMPLATE))
        yield Deployed(boto3.client("ssm", REGION))
