"""The boto3 client of SNS: the alert topic, and the topic of the e-mails."""
# ruff: noqa: N803 - the parameters are named by AWS

from collections.abc import Callable
from typing import Any, Final, TypeVar

from botocore.exceptions import ConnectionClosedError

from tests.simulation.faults import Outside
from tests.simulation.mailbox import Mailbox
from tests.simulation.refusal import require
from tests.simulation.topic import Topic
from tests.simulation.world import current

ALERT_TOPIC: Final = "topic"
EMAIL_TOPIC: Final = "email-topic"
_CONNECTION_DIES_MS: Final = 15_000
_CLOSED: Final = ConnectionClosedError(endpoint_url="https://sns.invalid")

T = TypeVar("T")


class Sns:
    """Its connections die while they are idle for long, and the client does not notice."""

    def __init__(self, outside: Outside, topic: Topic, mailbox: Mailbox) -> None:
        self._outside = outside
        self._topic = topic
        self._mailbox = mailbox
        self._used_ms: int | None = None

    def close(self) -> None:
        self._used_ms = None

    def publish(
        self,
        *,
        TopicArn: str,
        Subject: str,
        Message: str,
        MessageStructure: str | None = None,
        MessageAttributes: dict[str, Any] | None = None,
    ) -> dict[str, str]:
        require(0 < len(Subject) < 100 and Subject.isascii() and "\n" not in Subject, f"subject {Subject!r}")
        require(0 < len(Message.encode()) <= 256_000, "256 KB")
        if TopicArn == ALERT_TOPIC:
            require(MessageStructure == "json" and MessageAttributes, "one text for each protocol")
            self._call("publish", lambda: self._topic.publish(current(), Message))
        else:
            require(TopicArn == EMAIL_TOPIC and MessageStructure is None, "one text for all")
            self._call("publish an e-mail", lambda: self._mailbox.receive(current(), Message))
        return {"MessageId": "1"}

    def list_subscriptions_by_topic(self, *, TopicArn: str) -> dict[str, Any]:
        require(TopicArn == EMAIL_TOPIC, "only the e-mail topic's are read")
        return self._call("list the e-mail subscriptions", lambda: {"Subscriptions": self._mailbox.subscriptions})

    def _call(self, what: str, effect: Callable[[], T]) -> T:
        world = self._outside.world
        began_ms, used_ms = world.now_ms, self._used_ms
        self._used_ms = began_ms
        if used_ms is not None and began_ms - used_ms > _CONNECTION_DIES_MS:
            raise _CLOSED

        def connected() -> T:
            if world.now_ms - began_ms > _CONNECTION_DIES_MS:
                raise _CLOSED  # Lambda froze the thread before it could send.
            return effect()

        return self._outside.aws("sns", what, connected)
