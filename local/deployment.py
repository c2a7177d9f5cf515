"""A deployment seen from outside: send events into it, read outcomes and messages back."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from boto3.dynamodb.types import TypeDeserializer

from local.emulator import Emulator, QueuedMessage
from local.mailbox import Mail
from local.places import LocalStackError, shown

STACK_NAME = "local"  # as SAM calls it in a container of `sam local invoke`
EVALUATION = "EvaluationFunction"
NOTIFIER = "SlackFunction"

Found = TypeVar("Found")
Item = dict[str, Any]
_DESERIALIZE = TypeDeserializer().deserialize


@dataclass(frozen=True)
class PublishedAlert:
    """An alert as a subscriber of the topic gets it."""

    content: dict[str, Any]
    attributes: dict[str, str]

    @property
    def recording_id(self) -> int:
        return int(self.content["recording_id"])

    @property
    def recording_name(self) -> str:
        return str((self.content.get("recording") or {}).get("name") or "")


class Deployment:
    """The template, deployed into an emulator.

    `subscriber_url` is a queue that hears every alert. `mailbox_url` hears every e-mail; empty without `AlertEmail`.
    """

    def __init__(self, emulator: Emulator) -> None:
        self.emulator = emulator
        self.subscriber_url = ""
        self.mailbox_url = ""
        self._clients: dict[str, Any] = {}
        self._alerts: list[PublishedAlert] = []
        self._mails: list[Mail] = []
        self._physical_ids: dict[str, str] = {}
        self._types: dict[str, str] = {}
        self.outputs: dict[str, str] = {}

    def read_stack(self) -> None:
        """Learn the outputs and what the resources are called."""
        cloudformation = self.client("cloudformation")
        stack = cloudformation.describe_stacks(StackName=STACK_NAME)["Stacks"][0]
        self.outputs = {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}
        resources = cloudformation.describe_stack_resources(StackName=STACK_NAME)["StackResources"]
        self._physical_ids = {each["LogicalResourceId"]: each["PhysicalResourceId"] for each in resources}
        self._types = {each["LogicalResourceId"]: each["ResourceType"] for each in resources}

    def close(self) -> None:
        for client in self._clients.values():
            client.close()

    # ── Putting things in ───────────────────────────────────────────────────────────────────────────────────────────

    def client(self, service: str) -> Any:
        """A boto3 client of this AWS, made once."""
        if service not in self._clients:
            self._clients[service] = self.emulator.client(service)
        return self._clients[service]

    def physical_id(self, logical_id: str) -> str:
        """What a resource of the template is called in this deployment."""
        return self._physical_ids[logical_id]

    def logical_ids(self, resource_type: str) -> list[str]:
        """What resources of a type, such as `AWS::Lambda::Function`, are called in the template."""
        return [name for name, its_type in self._types.items() if its_type == resource_type]

    def store(self, entry: str, value: str) -> None:
        """Put an entry into Parameter Store, as an operator does. Functions may hold the old one for 60 seconds."""
        name = f"/{STACK_NAME}/{entry}"
        kind = "String" if entry == "rules" else "SecureString"
        self.client("ssm").put_parameter(Name=name, Value=value, Type=kind, Overwrite=True)

    def send(self, body: Any, **attributes: str) -> str:
        """Put an event on the event queue; text as it is, anything else as JSON. The message's id."""
        answer = self.client("sqs").send_message(
            QueueUrl=self.outputs["EventQueueUrl"],
            MessageBody=body if isinstance(body, str) else json.dumps(body),
            MessageAttributes={
                name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()
            },
        )
        return str(answer["MessageId"])

    def put_event(self, detail: Any) -> None:
        """Say on the event bus that a recording was analysed."""
        entry = {
            "EventBusName": self.outputs["EventBusName"],
            "Source": "identitycall",
            "DetailType": "Recording Analyzed",
            "Detail": json.dumps(detail),
        }
        answer = self.client("events").put_events(Entries=[entry])
        if answer["FailedEntryCount"]:
            raise LocalStackError(f"EventBridge refused an event: {answer['Entries']}")

    def invoke(self, event: Any, function: str = EVALUATION) -> Any:
        """Invoke a function and wait for its answer; Raises `FunctionError` with its text."""
        answer = self.client("lambda").invoke(
            FunctionName=self.physical_id(function), Payload=json.dumps(event).encode()
        )
        content = json.loads(answer["Payload"].read() or b"null")
        if "FunctionError" in answer:
            raise LocalStackError(f"{function} failed: {content}")
        return content

    def redrive(self, dead_letter_url: str, queue_url: str) -> int:
        """What an operator's `start-message-move-task` does, which the emulator lacks: send every dead letter to a
        queue with its body and attributes, as a message of its own time. How many there were."""
        sqs, moved = self.client("sqs"), 0
        for _ in self.emulator.peek(dead_letter_url):  # only the messages that are there now
            for message in sqs.receive_message(QueueUrl=dead_letter_url, MessageAttributeNames=["All"]).get(
                "Messages", []
            ):
                sqs.send_message(
                    QueueUrl=queue_url,
                    MessageBody=message["Body"],
                    MessageAttributes=message.get("MessageAttributes", {}),
                )
                sqs.delete_message(QueueUrl=dead_letter_url, ReceiptHandle=message["ReceiptHandle"])
                moved += 1
        return moved

    # ── Reading back ────────────────────────────────────────────────────────────────────────────────────────────────

    def outcome(self, recording_id: int | str) -> Item | None:
        """The outcome item of a recording, by its number or, through the alias, by its UUID."""
        if isinstance(recording_id, str) and not recording_id.isdigit():
            aliases = self.items(f"ALIAS#{recording_id}")
            recording_id = str(aliases[0]["recording_id"]) if aliases else recording_id
        return next((item for item in self.items(f"RECORDING#{recording_id}") if item["sk"] == "OUTCOME"), None)

    def outcomes(self) -> list[Item]:
        """All outcome items there are."""
        return [item for item in self.everything_stored() if item["sk"] == "OUTCOME"]

    def everything_stored(self) -> list[Item]:
        """All items of the outcome table: outcomes, deliveries, aliases, the request budget."""
        pages = self.client("dynamodb").get_paginator("scan")
        answers = pages.paginate(TableName=self.outputs["OutcomeTableName"], ConsistentRead=True)
        return [_read(item) for page in answers for item in page["Items"]]

    def deliveries(self, recording_id: int | str) -> list[Item]:
        items = self.items(f"RECORDING#{recording_id}")
        return [item for item in items if str(item["sk"]).startswith("DELIVERY#")]

    def items(self, pk: str) -> list[Item]:
        """Everything the outcome table holds under one key."""
        answer = self.client("dynamodb").query(
            TableName=self.outputs["OutcomeTableName"],
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": pk}},
            ConsistentRead=True,
        )
        return [_read(item) for item in answer["Items"]]

    def alerts(self, recording_id: int | None = None) -> list[PublishedAlert]:
        """All that the topic's own subscriber has received so far, of one recording or of all."""
        for message in self._taken_from(self.subscriber_url):
            attributes = {
                name: str(value["StringValue"]) for name, value in message.get("MessageAttributes", {}).items()
            }
            self._alerts.append(PublishedAlert(json.loads(message["Body"]), attributes))
        return [alert for alert in self._alerts if recording_id in (None, alert.recording_id)]

    def mails(self, recording_id: int | None = None) -> list[Mail]:
        """All that `AlertEmail` has been sent so far, about one recording or all; none where it is not set."""
        if self.mailbox_url:
            self._mails += [Mail.of(message["Body"]) for message in self._taken_from(self.mailbox_url)]
        return [mail for mail in self._mails if recording_id in (None, mail.recording_id)]

    def _taken_from(self, queue_url: str) -> Iterator[dict[str, Any]]:
        """Every message that a queue has now, deleted once it is used."""
        sqs = self.client("sqs")
        while messages := sqs.receive_message(
            QueueUrl=queue_url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
        ).get("Messages"):
            for message in messages:
                yield message
                sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"])

    def waiting(self) -> list[QueuedMessage]:
        """What lies in the event queue: new, being worked on, or deferred."""
        return self.emulator.peek(self.outputs["EventQueueUrl"])

    def waiting_for_slack(self) -> list[QueuedMessage]:
        return self.emulator.peek(self.physical_id("SlackQueue"))

    def dead_letters(self) -> list[QueuedMessage]:
        return self.emulator.peek(self.outputs["EventDeadLetterQueueUrl"])

    def slack_dead_letters(self) -> list[QueuedMessage]:
        return self.emulator.peek(self.outputs["SlackDeadLetterQueueUrl"])

    def function_environment(self, logical_id: str) -> dict[str, str]:
        """The environment a function runs in: what the template gives it, and how it reaches this AWS."""
        return {**self.configuration(logical_id)["Environment"]["Variables"], **self.emulator.environment()}

    def configuration(self, logical_id: str) -> dict[str, Any]:
        """A function's configuration, as Lambda tells it."""
        lambda_ = self.client("lambda")
        return dict(lambda_.get_function_configuration(FunctionName=self.physical_id(logical_id)))

    def role_of(self, logical_id: str) -> str:
        """The name of the role a function runs in."""
        return str(self.configuration(logical_id)["Role"]).rpartition("/")[2]

    def log(self, logical_id: str = EVALUATION) -> list[str]:
        """A function's log so far, line by line."""
        pages = self.client("logs").get_paginator("filter_log_events")
        events = pages.paginate(logGroupName=self.configuration(logical_id)["LoggingConfig"]["LogGroup"])
        return [event["message"] for page in events for event in page["events"]]

    def wait_for(self, what: str, find: Callable[[], Found | None], within: float = 30.0) -> Found:
        """Look until `find` finds something; `what` says in the error what never came."""
        deadline = time.monotonic() + within
        while not (found := find()):
            if time.monotonic() > deadline:
                log = shown(self.emulator.log)
                raise TimeoutError(f"Not seen within {within:.0f} s: {what}. What the functions said: {log}")
            time.sleep(0.1)
        return found


def _read(item: Mapping[str, Any]) -> Item:
    return {name: _DESERIALIZE(value) for name, value in item.items()}
