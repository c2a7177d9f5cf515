"""One AWS account in this process (moto), with what the template would have made in it."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import boto3

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_ssm import SSMClient

_CLIENTS: dict[str, Any] = {}
"""Made once: reading a service's description costs more than most tests. Accounts are as fresh as ever."""

REGION = "eu-central-1"
TABLE = "outcomes"


@dataclass
class Calls:
    """Every call to AWS from now on, as `dynamodb.PutItem`, and what was asked for in it."""

    names: list[str] = field(default_factory=list)
    parameters: list[dict[str, Any]] = field(default_factory=list)

    def note(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        self.names.append(f"{model.service_model.service_name}.{model.name}")
        self.parameters.append(params)

    def clear(self) -> None:
        self.names.clear()
        self.parameters.clear()

    def of(self, name: str) -> list[dict[str, Any]]:
        return [params for called, params in zip(self.names, self.parameters, strict=True) if called == name]


class Aws:
    """Clients of a fresh account, its table, queues and topic. `calls` notes what the code under test calls."""

    def __init__(self) -> None:
        self.calls = Calls()
        boto3.setup_default_session(region_name=REGION)
        self.dynamodb: DynamoDBClient = self._client("dynamodb")
        self.sqs: SQSClient = self._client("sqs")
        self.sns: SNSClient = self._client("sns")
        self.ssm: SSMClient = self._client("ssm")
        self.dynamodb.create_table(
            TableName=TABLE,
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
            AttributeDefinitions=[
                {"AttributeName": "pk", "AttributeType": "S"},
                {"AttributeName": "sk", "AttributeType": "S"},
            ],
        )
        self.queue_url = self._queue("events")
        self.dead_letter_url = self._queue("events-dead-letters")
        self.subscriber_url = self._queue("subscriber")
        self.topic_arn = self.make_topic()
        # From here on, also of the clients that the code under test makes for itself.
        for events in (self.session().events, *(client.meta.events for client in _CLIENTS.values())):
            events.register("before-parameter-build", self.calls.note)

    def make_topic(self) -> str:
        """The topic and its subscriber; its ARN is the same every time."""
        arn = self.sns.create_topic(Name="alerts")["TopicArn"]
        self.sns.subscribe(
            TopicArn=arn,
            Protocol="sqs",
            Endpoint=f"arn:aws:sqs:{REGION}:123456789012:subscriber",
            Attributes={"RawMessageDelivery": "true"},
        )
        return arn

    @staticmethod
    def session() -> boto3.session.Session:
        """What makes the clients of the code under test."""
        assert boto3.DEFAULT_SESSION
        return boto3.DEFAULT_SESSION

    def close(self) -> None:
        for client in _CLIENTS.values():
            client.meta.events.unregister("before-parameter-build", self.calls.note)
        boto3.DEFAULT_SESSION = None

    def _client(self, service: Any) -> Any:
        if service not in _CLIENTS:
            _CLIENTS[service] = boto3.client(service)
        return _CLIENTS[service]

    def _queue(self, name: str) -> str:
        return self.sqs.create_queue(QueueName=name)["QueueUrl"]

    def put_parameter(self, name: str, value: str) -> None:
        self.ssm.put_parameter(Name=name, Value=value, Type="SecureString", Overwrite=True)

    def items(self) -> list[dict[str, Any]]:
        return self.dynamodb.scan(TableName=TABLE, ConsistentRead=True)["Items"]

    def item(self, pk: str, sk: str = "OUTCOME") -> dict[str, Any]:
        return self.dynamodb.get_item(TableName=TABLE, Key={"pk": {"S": pk}, "sk": {"S": sk}})["Item"]

    def messages(self, url: str) -> list[Any]:
        """Everything receivable from a queue now, which stays hidden for a while then."""
        found: list[Any] = []
        while batch := self.sqs.receive_message(
            QueueUrl=url,
            MaxNumberOfMessages=10,
            MessageAttributeNames=["All"],
            MessageSystemAttributeNames=["All"],
        ).get("Messages"):
            found += batch
        return found

    def dead_letters(self) -> list[dict[str, str]]:
        """Each dead letter's body, and its attributes by their names."""
        return [
            {"body": message["Body"]}
            | {name: value["StringValue"] for name, value in message.get("MessageAttributes", {}).items()}
            for message in self.messages(self.dead_letter_url)
        ]

    def waiting(self, url: str) -> tuple[int, int]:
        """How many messages can be received now, and how many are delayed."""
        counts = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        return int(counts["ApproximateNumberOfMessages"]), int(counts["ApproximateNumberOfMessagesDelayed"])
