"""The evaluation function on an account, with the vendor and the clock around it."""

from typing import Any

import pytest

from domain.alerts.alert import Alert
from domain.retry import History
from runtime import evaluation_report
from tests.fakes.clock import NOON_MS, FakeClock
from tests.fakes.make import body, goal
from tests.fakes.sqs import batch
from tests.integration.aws import Aws
from tests.integration.workers import KEY, PREFIX, Vendor, context, counted, evaluation_worker, log_lines_of

NONE_FAILED: list[int] = []


class Evaluation:
    """`batch` and `directly` invoke the function. `logged` are the lines of the last invocation."""

    def __init__(self, aws: Aws, vendor: Vendor, clock: FakeClock, capsys: pytest.CaptureFixture[str]) -> None:
        self.aws, self.vendor, self.clock, self._capsys = aws, vendor, clock, capsys
        self.aws.put_parameter(f"{PREFIX}/api-key", KEY)
        self.worker = evaluation_worker(aws, clock)
        self.logged: list[dict[str, Any]] = []

    def directly(self, event: Any, remaining_ms: int = 30_000) -> dict[str, Any]:
        with log_lines_of(evaluation_report.logger) as lines:
            try:
                return self.worker.handle(event, context(remaining_ms))
            finally:
                self.logged = lines

    def records(self, *records: dict[str, Any], remaining_ms: int = 30_000) -> list[int]:
        """The numbers of the messages that Lambda shall deliver again."""
        answer = self.directly({"Records": list(records)}, remaining_ms)
        assert answer.keys() == {"batchItemFailures"}
        assert all(item.keys() == {"itemIdentifier"} for item in answer["batchItemFailures"])
        return sorted(int(item["itemIdentifier"].removeprefix("message-")) for item in answer["batchItemFailures"])

    def batch(self, *bodies: object, sent_ms: int = NOON_MS, remaining_ms: int = 30_000) -> list[int]:
        """A number stands for the plain event of that recording."""
        events = [{"recording_id": each} if isinstance(each, int) else each for each in bodies]
        return self.records(*batch(*events, sent_ms=sent_ms)["Records"], remaining_ms=remaining_ms)

    def clear(self, *recordings: int) -> None:
        """From now on the vendor says that their goal is met."""
        for each in recordings:
            self.vendor.says(each, body(each, goal(met=True)))

    def unmet(self, *recordings: int) -> None:
        """From now on the vendor says that their goal is not met."""
        for each in recordings:
            self.vendor.says(each, body(each, goal()))

    def statuses(self) -> dict[str, str]:
        return self.aws.statuses()

    def source(self, recording: int) -> str:
        return str(self.aws.item(f"RECORDING#{recording}")["source"]["S"])

    def alerts(self) -> list[Alert]:
        """What the topic's subscriber has got."""
        return [Alert.model_validate_json(message["Body"]) for message in self.aws.messages(self.aws.subscriber_url)]

    def waiting(self) -> int:
        """Messages in the event queue, with a delay or without."""
        return sum(self.aws.waiting(self.aws.queue_url))

    def deferred(self) -> tuple[dict[str, Any], History]:
        """The one copy that was sent back to the queue, and its history."""
        [sent] = self.aws.calls.of("sqs.SendMessage")
        assert sent["QueueUrl"] == self.aws.queue_url
        return sent, history_of(sent)

    def counted(self) -> dict[str, float]:
        """The metrics of the invocations since the last look."""
        return counted(self._capsys.readouterr().out)


def history_of(sent: dict[str, Any]) -> History:
    [attribute] = sent["MessageAttributes"].values()
    return History.model_validate_json(attribute["StringValue"])
