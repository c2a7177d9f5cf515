"""The reference: the same job, written as the AWS and Powertools documentation shows.

It has batch processing with a parsed SQS envelope, idempotency in DynamoDB, and the API key from Parameter Store. It
calls `requests.get`, a `Table` resource and `publish`, and writes a log line and a metric a recording. It does less
than ours: no outbox, no lease, no conditional writes, no request limit.
"""

import hashlib
import json
import os
from typing import Any

import boto3
import requests
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities import parameters
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.idempotency import (
    DynamoDBPersistenceLayer,
    IdempotencyConfig,
    idempotent_function,
)
from aws_lambda_powertools.utilities.parser.models import SqsRecordModel
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import BaseModel, Json


class RecordingEvent(BaseModel):
    recording_id: int


class RecordingRecord(SqsRecordModel):
    body: Json[RecordingEvent]


class Goal(BaseModel):
    goal_id: int
    goal_name: str
    met: bool
    score: float
    explanation: str | None = None


class Pause(BaseModel):
    start_ms: int
    end_ms: int
    duration_ms: int
    compliant: bool
    after_dialogue_id: int | None = None


class Results(BaseModel):
    recording_id: int
    goals: list[Goal]
    pauses: list[Pause]


logger = Logger(service="reference")
metrics = Metrics(service="reference", namespace="IdentityCallAlerts")
processor = BatchProcessor(event_type=EventType.SQS, model=RecordingRecord)
persistence = DynamoDBPersistenceLayer(table_name="idempotency")
config = IdempotencyConfig(event_key_jmespath="recording_id", expires_after_seconds=3600)
table = boto3.resource("dynamodb").Table(os.environ["OUTCOME_TABLE_NAME"])
sns = boto3.client("sns")
names_recordings = True
"""Whether an alert says which recording it is about, as the product must; off, to see what that request costs."""


@logger.inject_lambda_context
@metrics.log_metrics
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> Any:
    config.register_lambda_context(context)
    return process_partial_response(event, handle_record, processor, context)


def handle_record(record: RecordingRecord) -> None:
    evaluate(event=record.body)


@idempotent_function(data_keyword_argument="event", config=config, persistence_store=persistence)  # type: ignore[untyped-decorator]
def evaluate(event: RecordingEvent) -> dict[str, Any]:
    response = get(f"/recordings/{event.recording_id}/results")
    results = Results.model_validate(response.json()["data"])
    violations = judge(results)
    status = "violations" if violations else "clear"
    table.put_item(
        Item={
            "pk": f"RECORDING#{results.recording_id}",
            "sk": "OUTCOME",
            "recording_id": results.recording_id,
            "status": status,
            "violations": violations,
            "results": response.text,
            "results_digest": hashlib.sha256(response.content).hexdigest(),
        }
    )
    if violations:
        sns.publish(
            TopicArn=os.environ["ALERT_TOPIC_ARN"],
            Subject=f"{len(violations)} violations in recording {results.recording_id}",
            Message=json.dumps(
                {"recording_id": results.recording_id, "name": name_of(event), "violations": violations}
            ),
        )
    metrics.add_metric(name="RecordingsEvaluated", unit=MetricUnit.Count, value=1)
    logger.info("evaluated", recording_id=results.recording_id, status=status)
    return {"recording_id": results.recording_id, "status": status}


def name_of(event: RecordingEvent) -> str | None:
    return get(f"/recordings/{event.recording_id}").json()["data"]["name"] if names_recordings else None


def get(path: str) -> requests.Response:
    key = parameters.get_parameter(f"{os.environ['PARAMETER_PREFIX']}/api-key", decrypt=True, max_age=60)
    response = requests.get(
        os.environ["IDENTITYCALL_BASE_URL"] + path, headers={"Authorization": f"Bearer {key}"}, timeout=(3, 5)
    )
    response.raise_for_status()
    return response


def judge(results: Results) -> list[dict[str, Any]]:
    limit_ms = int(os.environ["MAX_PAUSE_MS"])
    unmet = [{"goal_id": goal.goal_id, "goal_name": goal.goal_name} for goal in results.goals if not goal.met]
    long = [
        {"start_ms": pause.start_ms, "duration_ms": pause.duration_ms}
        for pause in results.pauses
        if not pause.compliant and pause.duration_ms > limit_ms
    ]
    return unmet + long
