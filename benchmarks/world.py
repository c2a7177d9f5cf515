"""What every measurement runs in: the vendor's stub and the canned AWS in processes of their own, and batches.

The recordings are as large as the vendor's documented example: three goals and two pauses.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from benchmarks.canned_aws import PARAMETER_PREFIX, CannedAws
from local.emulator import CREDENTIALS, REGION
from local.places import STATE
from local.recordings import Recording, goal, pause
from local.vendor_stub import VendorStub

FOLDER = STATE.parent / "bench"
BATCH = 10
TIMEOUT_MS = 30_000
CLEAR = range(500_001, 500_001 + BATCH)
ALERTING = range(600_001, 600_001 + BATCH)
TABLE = "outcomes"
OUT_OF_THE_WAY = 100_000  # a request limit that nothing here ever meets

_GREETED = goal(1, "Greeting and Introduction", 0.95, "The agent greeted the customer within the first 10 seconds.")
_ASKED = goal(2, "Collect Email Address", 0.88, "The agent collected and verified the customer's email address.")
_OFFERED = goal(3, "Offer Follow-up", 0.81, "The agent offered a call to confirm that the matter is resolved.")
_NOT_OFFERED = goal(
    3, "Offer Follow-up", 0.30, "The agent did not offer a call to confirm that the matter is resolved."
)
_SHORT = pause(15_000, 3_500, compliant=True)
_LONG = pause(95_000, 7_000, compliant=False, after=472)


def recordings() -> list[Recording]:
    clear = [Recording(number, f"Call {number}", [_GREETED, _ASKED, _OFFERED], [_SHORT, _SHORT]) for number in CLEAR]
    alerting = [
        Recording(number, f"Call {number}", [_GREETED, _ASKED, _NOT_OFFERED], [_SHORT, _LONG]) for number in ALERTING
    ]
    return clear + alerting


@dataclass(frozen=True)
class World:
    vendor: VendorStub
    environment: dict[str, str]


@contextmanager
def running_world() -> Iterator[World]:
    with VendorStub(FOLDER / "vendor.log") as vendor, CannedAws(FOLDER / "canned-aws.log") as aws:
        vendor.put(*recordings())
        yield World(vendor, environment(vendor.base_url, aws.root_url))


def environment(vendor_url: str, aws_url: str) -> dict[str, str]:
    """What the functions, the reference and the bare calls are all told."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "POWERTOOLS_"))}
    return {
        **kept,
        **CREDENTIALS,
        "AWS_ENDPOINT_URL": aws_url,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "PARAMETER_PREFIX": PARAMETER_PREFIX,
        "IDENTITYCALL_BASE_URL": vendor_url,
        "MAX_PAUSE_MS": "5000",
        "REQUESTS_PER_MINUTE": str(OUT_OF_THE_WAY),
        "OUTCOME_TABLE_NAME": TABLE,
        "OUTCOME_RETENTION_DAYS": "365",
        "ALERT_TOPIC_ARN": f"arn:aws:sns:{REGION}:000000000000:alerts",
        "EVENT_QUEUE_URL": f"{aws_url}/000000000000/events",
        "EVENT_DEAD_LETTER_QUEUE_URL": f"{aws_url}/000000000000/event-dead-letters",
        "POWERTOOLS_SERVICE_NAME": "evaluate-recordings",
        "POWERTOOLS_METRICS_NAMESPACE": "IdentityCallAlerts",
        "POWERTOOLS_PARAMETERS_MAX_AGE": "60",
    }


@dataclass(frozen=True)
class Context:
    """What Lambda hands in beside the event."""

    function_name: str = "evaluate-recordings"
    function_version: str = "$LATEST"
    memory_limit_in_mb: int = 512
    invoked_function_arn: str = f"arn:aws:lambda:{REGION}:000000000000:function:evaluate-recordings"
    aws_request_id: str = "da658bd3-2d6f-4e7b-8ec2-937234644fdc"
    started_s: float = field(default_factory=time.monotonic)

    def get_remaining_time_in_millis(self) -> int:
        return TIMEOUT_MS - int((time.monotonic() - self.started_s) * 1000)


def sqs_event(recording_ids: Sequence[int]) -> dict[str, Any]:
    """A batch as the event source mapping delivers it; parsing its JSON is the runtime's work."""
    sent_ms = str(time.time_ns() // 1_000_000)
    records = [
        {
            "messageId": f"00000000-0000-4000-8000-{recording_id:012d}",
            "receiptHandle": f"receipt-{recording_id}",
            "body": json.dumps({"recording_id": recording_id}),
            "attributes": {
                "ApproximateReceiveCount": "1",
                "SentTimestamp": sent_ms,
                "SenderId": "AIDAEXAMPLE",
                "ApproximateFirstReceiveTimestamp": sent_ms,
            },
            "messageAttributes": {},
            "md5OfBody": "84487501390504d626a7efa185df2dad",
            "eventSource": "aws:sqs",
            "eventSourceARN": f"arn:aws:sqs:{REGION}:000000000000:events",
            "awsRegion": REGION,
        }
        for recording_id in recording_ids
    ]
    return {"Records": records}
