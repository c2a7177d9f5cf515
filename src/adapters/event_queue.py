"""The event queue as a trigger sees it: a place to say that a recording has been analysed."""

import json
from typing import TYPE_CHECKING

from domain.outcome import Source
from domain.recording import RecordingId

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


class EventQueue:
    def __init__(self, sqs: "SQSClient", url: str) -> None:
        self._sqs = sqs
        self._url = url

    def send(self, recording: RecordingId, source: Source) -> None:
        """Send the canonical event. Raises botocore's errors where the queue does not take it."""
        event = json.dumps({"recording_id": recording, "source": source})
        self._sqs.send_message(QueueUrl=self._url, MessageBody=event)
