"""The alert topic: one message, with a text of its own for e-mail and attributes to filter by."""

import json
from typing import TYPE_CHECKING

from adapters.fresh_connections import FreshConnections
from adapters.sns_errors import errors_of_sns
from domain.alerts.alert import Alert, email_subject, email_text
from domain.ports import Clock

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient


class SnsAlertTopic:
    def __init__(self, sns: "SNSClient", topic_arn: str, now_ms: Clock) -> None:
        self._sns = sns
        self._topic_arn = topic_arn
        self._connections = FreshConnections(sns, now_ms)

    def publish(self, alert: Alert) -> None:
        """See the port. Refusals that last, such as a missing permission, are raised as botocore's errors."""
        texts = {"default": alert.model_dump_json(), "email": email_text(alert)}
        self._connections.close_idle()
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
