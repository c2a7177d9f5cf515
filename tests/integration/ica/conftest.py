"""Files as an operator writes them, and a deployed stack in an AWS account of this process."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from domain.wording import iso
from tests.fakes.account import REGION

Write = Callable[[str, Any], Path]
STACK = "alerts"
ENTRY = f"/{STACK}/rules"


def _keys(of_hash: str, of_range: str) -> list[dict[str, str]]:
    return [{"AttributeName": of_hash, "KeyType": "HASH"}, {"AttributeName": of_range, "KeyType": "RANGE"}]


TEMPLATE = {
    "Parameters": {"MaxPauseMs": {"Type": "Number", "Default": 4000}},
    "Resources": {
        "Outcomes": {
            "Type": "AWS::DynamoDB::Table",
            "Properties": {
                "BillingMode": "PAY_PER_REQUEST",
                "AttributeDefinitions": [
                    {"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk", "index_day", "index_time")
                ],
                "KeySchema": _keys("pk", "sk"),
                "GlobalSecondaryIndexes": [
                    {
                        "IndexName": "by_day",
                        "KeySchema": _keys("index_day", "index_time"),
                        "Projection": {"ProjectionType": "ALL"},
                    }
                ],
            },
        }
    },
    "Outputs": {"EventQueueUrl": {"Value": "x"}, "OutcomeTableName": {"Value": {"Ref": "Outcomes"}}},
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
    dynamodb: Any
    table: str

    def judged(self, recording: int, results: Any, confirmed: str) -> None:
        """An outcome of just now, and a supervisor's answer that confirms one of its violations."""
        now = iso(round(time.time() * 1000) - 60_000)
        outcome = {"recording_id": {"N": str(recording)}, "status": {"S": "violations"}, "evaluated_at": {"S": now}}
        answer = {"M": {"rule_id": {"S": "r"}, "verdict": {"S": "confirmed"}, "by": {"S": "U1"}, "at": {"S": now}}}
        for kind, sk, more in (
            ("OUTCOME", "OUTCOME", outcome | {"results": {"S": json.dumps(results)}}),
            ("VERDICT", "VERDICT#a", {"verdicts": {"M": {confirmed: answer}}}),
        ):
            index = {"index_day": {"S": f"{kind}#{now[:10]}"}, "index_time": {"S": f"{now}#{recording}"}}
            key = {"pk": {"S": f"RECORDING#{recording}"}, "sk": {"S": sk}}
            self.dynamodb.put_item(TableName=self.table, Item=key | index | more)

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
        dynamodb = boto3.client("dynamodb", REGION)
        yield Deployed(boto3.client("ssm", REGION), dynamodb, dynamodb.list_tables()["TableNames"][0])
