"""The whole system on this machine: emulator, stubs, and the real template deployed with SAM.

`make run`, the end-to-end tests, the benchmarks and `make invoke` all start it through `LocalStack`. It needs no fixed
port, several may run at once, and nothing of it outlives its owner (see `leash`).
"""

from __future__ import annotations

import fcntl
import json
import shutil
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self, TypeVar

from boto3.dynamodb.types import TypeDeserializer

from local import sam
from local.emulator import REGION, Emulator, Interpreter, QueuedMessage
from local.places import STATE, LocalStackError, shown
from local.slack_stub import SlackStub
from local.vendor_stub import VendorStub

STACK_NAME = "identitycall-alerts-local"
EVALUATION = "EvaluationFunction"
NOTIFIER = "SlackFunction"

Found = TypeVar("Found")
_DESERIALIZE = TypeDeserializer().deserialize
Item = dict[str, Any]


@dataclass(frozen=True)
class PublishedAlert:
    """An alert as a subscriber of the topic gets it."""

    content: dict[str, Any]
    attributes: dict[str, str]

    @property
    def recording_id(self) -> int:
        return int(self.content["recording_id"])


class LocalStack:
    """A context manager: ready when entered, gone when left.

    `api_url` and `api_key` point it at a real API instead of the vendor's stub. `overrides` are template parameters.
    `report` is told, in a few words, each step of the start as it begins.
    """

    def __init__(
        self,
        name: str = "run",
        *,
        api_url: str | None = None,
        api_key: str = VendorStub.api_key,
        rules: str | None = None,
        overrides: Mapping[str, str] | None = None,
        report: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.name = name
        self._api_url = api_url
        self._api_key = api_key
        self._rules = rules
        self._overrides = dict(overrides or {})
        self._report = report
        self._folder_lock: IO[str] | None = None
        self._alerts: list[PublishedAlert] = []
        self._clients: dict[str, Any] = {}

    # ── Start and stop ──────────────────────────────────────────────────────────────────────────────────────────────

    def __enter__(self) -> Self:
        self.folder = self._claim_folder()
        self.emulator = Emulator(self.folder)
        self.vendor = VendorStub(self.folder / "vendor.log")
        self.slack = SlackStub(self.folder / "slack.log")
        try:
            self._start()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def _start(self) -> None:
        interpreter = Interpreter.of_emulator()
        self._report("Starting the AWS emulator and the stubs")
        self.emulator.start()
        self.slack.start()
        if self._api_url is None:
            self.vendor.start()
        if not sam.is_built(interpreter):
            self._report(f"Building the functions with SAM for {interpreter.runtime}, {interpreter.architecture}")
            sam.build(interpreter)
        self.emulator.wait()
        self._report("Deploying template.yaml with SAM")
        self._prepare_account()
        sam.deploy(
            STACK_NAME,
            {
                "IdentityCallBaseUrl": self._api_url or self.vendor.base_url,
                "PythonRuntime": interpreter.runtime,
                "Architecture": interpreter.architecture,
                **self._overrides,
            },
            self.emulator.environment(),
            self.folder / "sam-deploy.log",
        )
        self._read_stack()
        self._allow_get_parameters()
        self._subscribe_to_alerts()

    def _stop(self) -> None:
        """All at once: each may take its grace period."""
        with ThreadPoolExecutor() as pool:
            for part in (self.emulator, self.vendor, self.slack):
                pool.submit(part.stop)
        for client in self._clients.values():
            client.close()
        shutil.rmtree(self.folder / "tmp", ignore_errors=True)
        if self._folder_lock:
            self._folder_lock.close()
            self._folder_lock = None

    def _claim_folder(self) -> Path:
        """A folder for logs and state that no other running stack uses: build/local/run, or run-2, …"""
        for number in range(1, 100):
            folder = STATE / (self.name if number == 1 else f"{self.name}-{number}")
            folder.mkdir(parents=True, exist_ok=True)
            lock = (folder / "lock").open("w")
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                lock.close()
                continue
            self._folder_lock = lock
            return folder
        raise LocalStackError(f"A hundred local stacks named {self.name} are running already.")

    def _prepare_account(self) -> None:
        self.client("s3").create_bucket(Bucket=sam.BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        self.store("api-key", self._api_key)
        self.store("slack-webhook-url", self.slack.webhook_url)
        if self._rules is not None:
            self.store("rules", self._rules)

    def _read_stack(self) -> None:
        stack = self.client("cloudformation").describe_stacks(StackName=STACK_NAME)["Stacks"][0]
        self.outputs: dict[str, str] = {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}
        resources = self.client("cloudformation").describe_stack_resources(StackName=STACK_NAME)
        self._physical_ids: dict[str, str] = {
            each["LogicalResourceId"]: each["PhysicalResourceId"] for each in resources["StackResources"]
        }

    def _allow_get_parameters(self) -> None:
        """The emulator checks `ssm:GetParameters` against `*`, whatever names are asked for, and so refuses what AWS
        would allow. Everything else is enforced as the template has it; the template's tests hold this one."""
        statement = {"Effect": "Allow", "Action": "ssm:GetParameters", "Resource": "*"}
        for function in (EVALUATION, NOTIFIER):
            configuration = self.client("lambda").get_function_configuration(FunctionName=self.physical_id(function))
            self.client("iam").put_role_policy(
                RoleName=configuration["Role"].rpartition("/")[2],
                PolicyName="emulator-checks-get-parameters-against-everything",
                PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
            )

    def _subscribe_to_alerts(self) -> None:
        """A subscriber beside Slack: what it got was really published."""
        sqs = self.client("sqs")
        self._subscriber = sqs.create_queue(QueueName="local-alert-subscriber")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=self._subscriber, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        topic = self.outputs["AlertTopicArn"]
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "sns.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": arn,
            "Condition": {"ArnEquals": {"aws:SourceArn": topic}},
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        sqs.set_queue_attributes(QueueUrl=self._subscriber, Attributes={"Policy": policy})
        self.client("sns").subscribe(
            TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"}
        )

    # ── Putting things in ───────────────────────────────────────────────────────────────────────────────────────────

    def client(self, service: str) -> Any:
        """A boto3 client of this AWS, made once."""
        if service not in self._clients:
            self._clients[service] = self.emulator.client(service)
        return self._clients[service]

    def physical_id(self, logical_id: str) -> str:
        """What a resource of the template is called in this deployment."""
        return self._physical_ids[logical_id]

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
        """Invoke a function and wait for its answer; `FunctionError` raises with what it said."""
        answer = self.client("lambda").invoke(
            FunctionName=self.physical_id(function), Payload=json.dumps(event).encode()
        )
        content = json.loads(answer["Payload"].read() or b"null")
        if "FunctionError" in answer:
            raise LocalStackError(f"{function} failed: {content}")
        return content

    # ── Reading back ────────────────────────────────────────────────────────────────────────────────────────────────

    def outcome(self, recording_id: int | str) -> Item | None:
        """The outcome item of a recording, by its number or, through the alias, by its UUID."""
        if isinstance(recording_id, str) and not recording_id.isdigit():
            aliases = self.items(f"ALIAS#{recording_id}")
            recording_id = str(aliases[0]["recording_id"]) if aliases else recording_id
        return next((item for item in self.items(f"RECORDING#{recording_id}") if item["sk"] == "OUTCOME"), None)

    def outcomes(self) -> list[Item]:
        """All outcome items there are."""
        pages = self.client("dynamodb").get_paginator("scan")
        answers = pages.paginate(TableName=self.outputs["OutcomeTableName"], ConsistentRead=True)
        items = (_read(item) for page in answers for item in page["Items"])
        return [item for item in items if item["sk"] == "OUTCOME"]

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
        sqs = self.client("sqs")
        while messages := sqs.receive_message(
            QueueUrl=self._subscriber, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
        ).get("Messages"):
            for message in messages:
                attributes = {
                    name: str(value["StringValue"]) for name, value in message.get("MessageAttributes", {}).items()
                }
                self._alerts.append(PublishedAlert(json.loads(message["Body"]), attributes))
                sqs.delete_message(QueueUrl=self._subscriber, ReceiptHandle=message["ReceiptHandle"])
        return [alert for alert in self._alerts if recording_id in (None, alert.recording_id)]

    def waiting(self) -> list[QueuedMessage]:
        """What lies in the event queue: new, being worked on, or deferred."""
        return self.emulator.peek(self.outputs["EventQueueUrl"])

    def waiting_for_slack(self) -> list[QueuedMessage]:
        return self.emulator.peek(self.client("sqs").get_queue_url(QueueName=self._slack_queue_name())["QueueUrl"])

    def dead_letters(self) -> list[QueuedMessage]:
        return self.emulator.peek(self.outputs["EventDeadLetterQueueUrl"])

    def slack_dead_letters(self) -> list[QueuedMessage]:
        return self.emulator.peek(self.outputs["SlackDeadLetterQueueUrl"])

    def _slack_queue_name(self) -> str:
        return self.physical_id("SlackQueue").rpartition("/")[2]

    def function_environment(self, logical_id: str) -> dict[str, str]:
        """The environment a function runs in: what the template gives it, and how it reaches this AWS."""
        configuration = self.client("lambda").get_function_configuration(FunctionName=self.physical_id(logical_id))
        return {**configuration["Environment"]["Variables"], **self.emulator.environment()}

    def log(self, logical_id: str = EVALUATION) -> list[str]:
        """A function's log so far, line by line."""
        configuration = self.client("lambda").get_function_configuration(FunctionName=self.physical_id(logical_id))
        pages = self.client("logs").get_paginator("filter_log_events")
        events = pages.paginate(logGroupName=configuration["LoggingConfig"]["LogGroup"])
        return [event["message"] for page in events for event in page["events"]]

    def keep_logs(self) -> None:
        """Write the functions' logs beside the others, for reading after the stack is gone."""
        for function in (EVALUATION, NOTIFIER):
            (self.folder / f"{function}.log").write_text("\n".join(self.log(function)) + "\n")

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
