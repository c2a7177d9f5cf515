"""What the template makes of an AWS account, as far as the functions reach it, on any emulator of AWS."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_ssm import SSMClient

REGION = "eu-central-1"
TABLE = "outcomes"
INDEXED = ["status", "violations_total", "state", "verdicts"]
"""Some of what the index holds beside the keys."""


class Account:
    """A table, a topic with a subscriber, and two queues with their dead-letter queues. `client` makes the clients."""

    def __init__(self, client: Callable[[Any], Any]) -> None:
        self.dynamodb: DynamoDBClient = client("dynamodb")
        self.sqs: SQSClient = client("sqs")
        self.sns: SNSClient = client("sns")
        self.ssm: SSMClient = client("ssm")

    def fill(self) -> None:
        """Make everything, in an account that is empty."""
        self.dynamodb.create_table(
            TableName=TABLE,
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
            AttributeDefinitions=[
                {"AttributeName": "pk", "AttributeType": "S"},
                {"AttributeName": "sk", "AttributeType": "S"},
                {"AttributeName": "index_day", "AttributeType": "S"},
                {"AttributeName": "index_time", "AttributeType": "S"},
            ],
            GlobalSecondaryIndexes=[
                {
                    "IndexName": "by_day",
                    "KeySchema": [
                        {"AttributeName": "index_day", "KeyType": "HASH"},
                        {"AttributeName": "index_time", "KeyType": "RANGE"},
                    ],
                    "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": INDEXED},
                }
            ],
        )
        names = ("events", "event-dead-letters", "slack", "slack-dead-letters", "subscriber")
        urls = [self.sqs.create_queue(QueueName=name)["QueueUrl"] for name in names]
        self.queue_url, self.dead_letter_url, self.slack_url, self.slack_dead_letter_url, self.subscriber_url = urls
        self.topic_arn = self.make_topic()

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

    def put_parameter(self, name: str, value: str) -> None:
        self.ssm.put_parameter(Name=name, Value=value, Type="SecureString", Overwrite=True)

    def items(self) -> list[dict[str, Any]]:
        return self.dynamodb.scan(TableName=TABLE, ConsistentRead=True)["Items"]

    def statuses(self) -> dict[str, str]:
        """The outcomes in the table: status by key."""
        return {item["pk"]["S"]: item["status"]["S"] for item in self.items() if item["sk"]["S"] == "OUTCOME"}

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

    def dead_letters(self, url: str | None = None) -> list[dict[str, str]]:
        """Each dead letter's body, and its attributes by their names; of the event queue unless another is named."""
        return [
            {"body": message["Body"]}
            | {name: value["StringValue"] for name, value in message.get("MessageAttributes", {}).items()}
            for message in self.messages(url or self.dead_letter_url)
        ]

    def waiting(self, url: str) -> tuple[int, int]:
        """How many messages can be received now, and how many are delayed."""
        counts = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        return int(counts["ApproximateNumberOfMessages"]), int(counts["ApproximateNumberOfMessagesDelayed"])
