"""The alert topic: one message, with a text of its own for e-mail and attributes to filter by."""

import json
import threading
from typing import TYPE_CHECKING, Final

from adapters.sns_errors import errors_of_sns
from domain.alerts.alert import Alert, email_subject, email_text
from domain.ports import Clock

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient

_IDLE_MS: Final = 10_000
"""Longer than any publish lasts, and shorter than a server keeps an idle connection."""


class SnsAlertTopic:
    """Each publish is one attempt, so it must not meet a connection that died while the function was frozen."""

    def __init__(self, sns: "SNSClient", topic_arn: str, now_ms: Clock) -> None:
        self._sns = sns
        self._topic_arn = topic_arn
        self._now_ms = now_ms
        self._starting = threading.Lock()
        self._started_ms = 0

    def publish(self, alert: Alert) -> None:
        """See the port. Refusals that last, such as a missing permission, are raised as botocore's errors."""
        texts = {"default": alert.model_dump_json(), "email": email_text(alert)}
        self._close_idle_connections()
        with errors_of_sns(alert, "the topic did not take it", may_send=True):
            self._sns.publish(
                TopicArn=self._topic_arn,
                Subject=email_subject(alert),
                MessageStructure="json",
                Message=json.dumps(texts, ensure_ascii=False),
                MessageAttributes={
                    "event_type": {"DataType": "String", "StringValue": "alert"},
                    "severity": {"DataType": "String", "StringValue": alert.severity},
                    "rule_ids": {"DataType": "String.Array", "StringValue": json.dumps(alert.rule_ids)},
                    "recording_id": {"DataType": "String", "StringValue": str(alert.recording_id)},
                },
            )

    def _close_idle_connections(self) -> None:
        """No publish of another thread is cut: none that began so long ago can still run."""
        with self._starting:
            now_ms = self._now_ms()
            if now_ms - self._started_ms > _IDLE_MS:
                self._sns.close()  # The client opens new ones.
            self._started_ms = now_ms
