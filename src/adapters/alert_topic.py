"""The alert topic: one message, with a text of its own for e-mail and attributes to filter by."""

import json
from typing import TYPE_CHECKING

from domain.alerts.alert import Alert, email_subject, email_text

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient


class SnsAlertTopic:
    def __init__(self, sns: "SNSClient", topic_arn: str) -> None:
        self._sns = sns
        self._topic_arn = topic_arn

    def publish(self, alert: Alert) -> None:
        """Publish once. Raises botocore's errors: a throttled or refused publish is redelivered by the queue."""
        self._sns.publish(
            TopicArn=self._topic_arn,
            Subject=email_subject(alert),
            MessageStructure="json",
            Message=json.dumps({"default": alert.model_dump_json(), "email": email_text(alert)}, ensure_ascii=False),
            MessageAttributes={
                "event_type": {"DataType": "String", "StringValue": "alert"},
                "severity": {"DataType": "String", "StringValue": alert.severity},
                "rule_ids": {"DataType": "String.Array", "StringValue": json.dumps(alert.rule_ids)},
                "recording_id": {"DataType": "String", "StringValue": str(alert.recording_id)},
            },
        )
