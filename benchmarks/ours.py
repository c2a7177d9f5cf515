"""Our real worker, built as in Lambda, and its calls to AWS."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import boto3

from benchmarks.world import Context, sqs_event
from handlers import evaluate_recordings
from handlers.evaluate_recordings import lambda_handler

Call = tuple[str, dict[str, Any]]
"""An operation of AWS and its parameters: `("PutItem", {"TableName": …})`."""


def new_worker() -> None:
    """As after a cold start."""
    evaluate_recordings.worker.cache_clear()


def evaluate(recording_ids: Sequence[int], batch: int) -> None:
    """Evaluate the recordings in SQS batches of so many. Every one must succeed."""
    for first in range(0, len(recording_ids), batch):
        answer = lambda_handler(sqs_event(recording_ids[first : first + batch]), Context())  # type: ignore[arg-type]
        assert answer == {"batchItemFailures": []}, answer


def calls_of_warm_batch(recording_ids: Sequence[int]) -> list[Call]:
    """Everything one warm batch sends to AWS."""
    (calls,) = calls_of_warm_batches(recording_ids, 1)
    return calls


def calls_of_warm_batches(recording_ids: Sequence[int], batches: int) -> list[list[Call]]:
    """Everything each warm batch sends to AWS, seen at botocore's own events, where retries show too."""
    found: list[list[Call]] = []
    calls: list[Call] = []

    def given(params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
        context["given"] = params

    def attempted(request: Any, operation_name: str, **_: Any) -> None:
        calls.append((operation_name, request.context["given"]))

    session = boto3.Session()
    session.events.register("provide-client-params.*", given)
    session.events.register("request-created.*", attempted)
    ordinary, boto3.DEFAULT_SESSION = boto3.DEFAULT_SESSION, session
    try:
        new_worker()
        evaluate(recording_ids, len(recording_ids))
        for _ in range(batches):
            calls.clear()
            evaluate(recording_ids, len(recording_ids))
            found.append(list(calls))
    finally:
        boto3.DEFAULT_SESSION = ordinary
        new_worker()
    return found


def name_of(call: Call) -> str:
    """`PutItem`, or `PutItem (budget)` where it is the request budget's."""
    operation, params = call
    of_budget = params.get("Item", {}).get("pk") == {"S": "BUDGET"}
    return f"{operation} (budget)" if of_budget else operation


def by_recording(calls: Sequence[Call]) -> dict[int, list[Call]]:
    """Each recording's own calls, in their order."""
    found: dict[int, list[Call]] = defaultdict(list)
    for operation, params in calls:
        recording_id = _recording_of(operation, params)
        if recording_id is not None:
            found[recording_id].append((operation, params))
    return dict(found)


def _recording_of(operation: str, params: dict[str, Any]) -> int | None:
    if operation == "Publish":
        return int(params["MessageAttributes"]["recording_id"]["StringValue"])
    key = params.get("Item") or params.get("Key") or {}
    kind, _, number = key.get("pk", {"S": ""})["S"].partition("#")
    return int(number) if kind == "RECORDING" else None
