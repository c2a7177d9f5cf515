"""The event queue as a trigger sees it: a place to say that a recording has been analysed."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from domain.recording import RecordingId
from domain.triggers.source import Source

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


class EventQueue:
    def __init__(self, sqs: "SQSClient", url: str) -> None:
        self._sqs = sqs
        self._url = url

    def send(self, recording: RecordingId, source: Source) -> None:
        """Send the canonical event. Raises botocore's errors where the queue does not take it."""
        self._sqs.send_message(QueueUrl=self._url, MessageBody=event_text(recording, source))

    def send_all(self, recordings: Sequence[RecordingId], source: Source) -> list[RecordingId]:
        """Send an event for each of at most 10 in one call; those that the queue has taken."""
        answer = self._sqs.send_message_batch(
            QueueUrl=self._url,
            Entries=[
                {"Id": str(place), "MessageBody": event_text(recording, source)}
                for place, recording in enumerate(recordings)
            ],
        )
        return [recordings[int(entry["Id"])] for entry in answer.get("Successful", [])]


def event_text(recording: RecordingId, source: Source) -> str:
    """The canonical event."""
    return json.dumps({"recording_id": recording, "source": source})
