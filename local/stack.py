"""The whole system on this machine: emulator, stubs, and the real template deployed with SAM.

`make run`, the end-to-end tests, the benchmarks and `make invoke` all start it through `LocalStack`. It needs no fixed
port, several may run at once, and nothing of it outlives its owner (see `supervised_process`).
"""

from __future__ import annotations

import fcntl
import json
import shutil
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from local import sam, webhooks
from local.deployment import STACK_NAME, Deployment
from local.emulator import REGION, Emulator, Interpreter
from local.places import STATE, LocalStackError
from local.ports import ANY_FREE, Ports
from local.slack_stub import SlackStub
from local.vendor_stub import VendorStub


class LocalStack(Deployment):
    """A context manager: ready when entered, gone when left.

    `name` is its folder under build/local/, for logs. `ports` are those to listen on. `api_url` and `api_key` point it
    at a real API instead of the vendor's stub. `overrides` are template parameters. `report` is told each step of the
    start as it begins.
    """

    def __init__(
        self,
        name: str = "run",
        *,
        ports: Ports = ANY_FREE,
        api_url: str | None = None,
        api_key: str = VendorStub.api_key,
        rules: str | None = None,
        overrides: Mapping[str, str] | None = None,
        report: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._lock, self.folder = _claim_folder(name)
        super().__init__(Emulator(self.folder, ports.aws))
        self.vendor = VendorStub(self.folder / "vendor.log", ports.vendor)
        self.slack = SlackStub(self.folder / "slack.log", ports.slack)
        self._api_url = api_url
        self._api_key = api_key
        self._rules = rules
        self._overrides = dict(overrides or {})
        self._report = report

    def __enter__(self) -> Self:
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
                "DiscoverySchedule": "off",  # nothing happens here by itself
                "Webhook": "on",
                **self._overrides,
            },
            self.emulator.environment(),
            self.folder / "sam-deploy.log",
        )
        self.read_stack()
        self._mend_permissions()
        self.subscriber_url = self._listen("alert-subscriber", self.outputs["AlertTopicArn"], raw=True)
        if self._overrides.get("AlertEmail"):
            self.mailbox_url = self._listen("mailbox", self.physical_id("EmailTopic"), raw=False)

    def _stop(self) -> None:
        with ThreadPoolExecutor() as pool:  # all at once: each may take its grace period
            for part in (self.emulator, self.vendor, self.slack):
                pool.submit(part.stop)
        self.close()
        shutil.rmtree(self.folder / "tmp", ignore_errors=True)
        self._lock.close()

    def _prepare_account(self) -> None:
        """What an account has before the stack is deployed: a bucket for SAM, and the operator's entries."""
        self.client("s3").create_bucket(Bucket=sam.BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        self.store("api-key", self._api_key)
        self.store("slack-webhook-url", self.slack.webhook_url)
        self.store(webhooks.ENTRY, webhooks.SECRET)
        if self._rules is not None:
            self.store("rules", self._rules)

    def _mend_permissions(self) -> None:
        """Two things the emulator's IAM gets wrong, refusing what AWS would allow. It checks `ssm:GetParameters`
        against `*`, whatever names are asked for: a role that may read some parameters may therefore read all here;
        the template's tests hold it to its own. And it knows `sqs:SendMessageBatch`, which on AWS is `sqs:SendMessage`.
        Everything else is enforced as the template has it, TLS apart (see `emulated_template`)."""
        iam = self.client("iam")
        for role in map(self.physical_id, self.logical_ids("AWS::IAM::Role")):
            policies = iam.list_role_policies(RoleName=role)["PolicyNames"]
            documents = [iam.get_role_policy(RoleName=role, PolicyName=each)["PolicyDocument"] for each in policies]
            statements = [statement for document in documents for statement in document["Statement"]]
            added = [
                statement | {"Sid": f"Added{number}", "Action": action, "Resource": resource}
                for number, statement in enumerate(statements)
                for needed, action, resource in (
                    ("ssm:GetParameters", "ssm:GetParameters", "*"),
                    ("sqs:SendMessage", "sqs:SendMessageBatch", statement["Resource"]),
                )
                if needed in statement["Action"]
            ]
            if added:
                iam.put_role_policy(
                    RoleName=role,
                    PolicyName="what-the-emulator-gets-wrong",
                    PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": added}),
                )

    def _listen(self, name: str, topic: str, *, raw: bool) -> str:
        """A queue that subscribes to a topic. `raw`: messages come without the envelope of SNS."""
        sqs = self.client("sqs")
        url = sqs.create_queue(QueueName=f"local-{name}")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "sns.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": arn,
            "Condition": {"ArnEquals": {"aws:SourceArn": topic}},
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
        attributes = {"RawMessageDelivery": "true" if raw else "false"}
        self.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes=attributes)
        return str(url)

    def keep_logs(self) -> None:
        """Write the functions' logs beside the others, for reading after the stack is gone."""
        for function in self.logical_ids("AWS::Lambda::Function"):
            (self.folder / f"{function}.log").write_text("\n".join(self.log(function)) + "\n")


def _claim_folder(name: str) -> tuple[IO[str], Path]:
    """A folder that no other running stack uses, and the lock that says so: build/local/run, or run-2, …"""
    for number in range(1, 100):
        folder = STATE / (name if number == 1 else f"{name}-{number}")
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / "lock").open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            continue
        return lock, folder
    raise LocalStackError(f"A hundred local stacks named {name} are running already.")
