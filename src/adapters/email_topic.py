"""E-mail: a topic of its own, to which the stack's `AlertEmail` subscribes.

SNS takes a message whether or not a mailbox is subscribed, so this looks before it sends. SNS switches a subscription
off that gets more than 10 messages a second, so this pauses before it sends.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from adapters.fresh_connections import FreshConnections
from adapters.sns_errors import errors_of_sns
from domain.alerts.alert import Alert, email_subject, email_text
from domain.errors import EmailUnconfirmed
from domain.ports import Clock

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient

PAUSE_S: Final = 0.25
"""Before each message. One worker sends fewer than 4 a second, also right after another worker's end. The notifier's
`MaximumConcurrency` in template.yaml bounds how many workers there are."""
KEPT_MS: Final = 60_000
"""How long the state of the subscription is believed."""


class EmailTopic:
    name = "email"
    off = False

    def __init__(self, sns: "SNSClient", topic_arn: str, now_ms: Clock, sleep: Callable[[float], None]) -> None:
        self._sns = sns
        self._topic_arn = topic_arn
        self._now_ms = now_ms
        self._sleep = sleep
        self._confirmed = False
        self._fresh_until_ms = 0
        self._connections = FreshConnections(sns, now_ms)

    def send(self, alert: Alert) -> str:
        """Publish once; the message's id.

        Raises `EmailUnconfirmed`, `Throttled` or `Unavailable` (`perhaps_done` where the answer was lost). Other
        refusals of SNS are unexpected and are raised as botocore's errors.
        """
        self._connections.close_idle()
        with errors_of_sns(alert, "the subscription was not read", may_send=False):
            confirmed = self._is_confirmed()
        if not confirmed:
            raise EmailUnconfirmed("The e-mail subscription of AlertEmail is not confirmed, or was lost.")
        self._sleep(PAUSE_S)
        with errors_of_sns(alert, "the e-mail was not taken", may_send=True):
            sent = self._sns.publish(TopicArn=self._topic_arn, Subject=email_subject(alert), Message=email_text(alert))
        return sent["MessageId"]

    def _is_confirmed(self) -> bool:
        if self._now_ms() >= self._fresh_until_ms:
            # The first hundred subscriptions. The topic is the stack's own and has one.
            found = self._sns.list_subscriptions_by_topic(TopicArn=self._topic_arn)["Subscriptions"]
            # Others have a word in place of the ARN: PendingConfirmation, or Deleted.
            self._confirmed = any(
                each["Protocol"] == "email" and each["SubscriptionArn"].startswith("arn:") for each in found
            )
            self._fresh_until_ms = self._now_ms() + KEPT_MS
        return self._confirmed
