"""CPU a webhook call: signed, with a token and refused, against a bare function that only sends to the queue.

All in one process, by turns, with AWS in another one. The secret is known already, as it is to a warm function: it is
read once a minute.
"""

from __future__ import annotations

import json
import os
import time
from collections import defaultdict
from collections.abc import Callable
from statistics import median
from typing import Any

from rich.console import Console

from benchmarks import view
from benchmarks.child import Progress, measured
from benchmarks.view import Verdict
from benchmarks.world import running_world
from local import webhooks

ROUNDS = 15
TURNS = 40
"""In a round; in each turn every subject is called once."""

_TOLD = {
    "bare": "bare function",
    "signed": "ours, signed",
    "token": "ours, with a token",
    "refused": "ours, a forged signature refused",
}


def inside(progress: Progress) -> Any:
    """For each subject: milliseconds of CPU a call, and the ratio to the bare function of the same round; medians."""
    subjects = _subjects()
    spent: dict[str, list[float]] = defaultdict(list)
    for call in subjects.values():
        for _ in range(TURNS):
            call()  # warm, and not counted
    for number in range(ROUNDS):
        sums = dict.fromkeys(subjects, 0.0)
        for _ in range(TURNS):
            for name, call in subjects.items():
                before = time.process_time()
                call()
                sums[name] += time.process_time() - before
        for name, total in sums.items():
            spent[name].append(total / TURNS * 1000)
        progress((number + 1) / ROUNDS)
    return {
        name: {
            "ms": median(values),
            "ratio": median(value / bare for value, bare in zip(values, spent["bare"], strict=True)),
        }
        for name, values in spent.items()
    }


def _subjects() -> dict[str, Callable[[], None]]:
    from handlers.receive_webhook import build
    from runtime.outside import WEBHOOK_CONFIG, Outside
    from runtime.settings import WebhookSettings

    outside, url = Outside(WEBHOOK_CONFIG), os.environ["EVENT_QUEUE_URL"]
    outside.ssm = _KnownSecret()  # type: ignore[assignment]
    receiver, sqs = build(WebhookSettings(parameter_prefix="/bench", event_queue_url=url), outside), outside.sqs
    body = json.dumps({"type": "recording.analyzed", "data": {"recording_id": 123}})

    def bare() -> None:
        sqs.send_message(QueueUrl=url, MessageBody='{"recording_id": 123, "source": "webhook"}')

    def ours(headers: dict[str, str], wanted: int) -> Callable[[], None]:
        event = {
            "headers": headers,
            "requestContext": {"http": {"method": "POST"}},
            "body": body,
            "isBase64Encoded": False,
        }

        def call() -> None:
            answer = receiver.handle(event)
            assert answer["statusCode"] == wanted, answer

        return call

    token = {"content-type": "application/json", "authorization": f"Bearer {webhooks.SECRET}"}
    return {
        "bare": bare,
        "signed": ours(webhooks.signed(body), 202),
        "token": ours(token, 202),
        "refused": ours(webhooks.signed(body, webhooks.ANOTHER_SECRET), 401),
    }


class _KnownSecret:
    """Parameter Store, without a call that a warm function does not make either."""

    def get_parameters(self, **_: Any) -> dict[str, Any]:
        return {"Parameters": [{"Name": f"/bench/{webhooks.ENTRY}", "Value": webhooks.SECRET}]}


def show(console: Console) -> list[Verdict]:
    with view.progress(console, "CPU a webhook call") as progress, running_world() as world:
        found = measured("webhook", world.environment, progress)
    table = view.table("", "ms", "× bare")
    for name, figures in found.items():
        table.add_row(_TOLD[name], f"{figures['ms']:.2f}", f"{figures['ratio']:.2f}")
    view.show(
        console,
        "CPU a webhook call",
        table,
        "bare: a function that only sends to the queue. The secret is known already, as to a warm function.",
    )
    return []
