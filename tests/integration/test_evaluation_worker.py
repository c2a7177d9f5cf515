"""The evaluation function's worker on an account: batches and direct invocations, answered as Lambda demands."""

import json
import math
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import requests
import responses
from botocore.exceptions import ClientError

from adapters.message_queue import HISTORY_ATTRIBUTE
from domain.alerts.alert import Alert
from domain.lease import LEASE_MS
from domain.retry import History
from handlers import evaluate_recordings
from handlers.evaluate_recordings import EvaluationWorker
from runtime import batch as batch_loop
from tests.fakes.clock import NOON_MS, FakeClock
from tests.fakes.make import UUID, body, goal, pause
from tests.integration.conftest import TABLE, Aws
from tests.integration.workers import (
    API,
    KEY,
    PREFIX,
    Vendor,
    context,
    evaluation_worker,
    log_lines_of,
    received,
    sqs_record,
)

NOTHING_FAILED: dict[str, Any] = {"batchItemFailures": []}
WARM_UP = 999


@pytest.fixture(autouse=True)
def _as_deployed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "IdentityCallAlerts")
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "alerts-evaluate-recordings")


@pytest.fixture
def vendor(aws: Aws) -> Iterator[Vendor]:  # after the account, whose own fakes would else come before
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield Vendor(mock)


@pytest.fixture
def worker(aws: Aws, vendor: Vendor, clock: FakeClock) -> EvaluationWorker:
    aws.put_parameter(f"{PREFIX}/api-key", KEY)
    return evaluation_worker(aws, clock)


def batch(*bodies: object, sent_ms: int = NOON_MS) -> dict[str, Any]:
    return {"Records": [sqs_record(each, number, sent_ms=sent_ms) for number, each in enumerate(bodies, 1)]}


def failures(*numbers: int) -> dict[str, Any]:
    return {"batchItemFailures": [{"itemIdentifier": f"message-{number}"} for number in numbers]}


def statuses(aws: Aws) -> dict[str, str]:
    """The outcomes in the table: status by key."""
    return {item["pk"]["S"]: item["status"]["S"] for item in aws.items() if item["sk"]["S"] == "OUTCOME"}


def alerts(aws: Aws) -> list[Alert]:
    """What the topic's subscriber has got."""
    return [Alert.model_validate_json(message["Body"]) for message in aws.messages(aws.subscriber_url)]


def metrics(output: str) -> dict[str, float]:
    """What was counted, from the EMF lines of an invocation: by name and, where it has any, dimensions."""
    counted: dict[str, float] = {}
    for line in output.splitlines():
        emf = json.loads(line)
        [directive] = emf["_aws"]["CloudWatchMetrics"]
        [dimensions] = directive["Dimensions"]
        words = [emf[name] for name in sorted(dimensions) if name != "service"]
        for metric in directive["Metrics"]:
            counted["/".join([metric["Name"], *words])] = sum(emf[metric["Name"]])
    return counted


class TestBatch:
    def test_ten_recordings_are_judged_and_nothing_failed(
        self, aws: Aws, vendor: Vendor, worker: EvaluationWorker
    ) -> None:
        for number in range(1, 11):
            vendor.says(number, body(number, goal(met=number % 2 == 0)))
        assert worker.handle(batch(*({"recording_id": n} for n in range(1, 11))), context()) == NOTHING_FAILED
        assert statuses(aws) == {f"RECORDING#{n}": "clear" if n % 2 == 0 else "violations" for n in range(1, 11)}
        assert sorted(alert.recording_id for alert in alerts(aws)) == [1, 3, 5, 7, 9]

    def test_every_form_of_event_in_one_batch(self, aws: Aws, vendor: Vendor, worker: EvaluationWorker) -> None:
        for number in range(1, 7):
            vendor.says(number, body(number, goal(met=True)))
        vendor.says(UUID, body(7, goal(met=True)))
        eventbridge = {"source": "identitycall", "detail-type": "Recording Analyzed", "detail": {"recording_id": 3}}
        given = [
            {"recording_id": 1},
            {"recording_id": "2", "source": "discovery"},
            eventbridge,
            {"type": "recording.analyzed", "data": {"id": 4}},
            {"event": "recording.analyzed", "data": {"recording_id": "5"}},
            {"Type": "Notification", "Message": json.dumps({"recording_id": 6})},
            {"event": "x", "data": {"public_id": UUID.upper()}},
        ]
        assert worker.handle(batch(*given), context()) == NOTHING_FAILED
        sources = {item["pk"]["S"]: item["source"]["S"] for item in aws.items() if item["sk"]["S"] == "OUTCOME"}
        assert [sources[f"RECORDING#{n}"] for n in range(1, 8)] == [
            "queue", "discovery", "eventbridge", "webhook", "webhook", "queue", "webhook",
        ]  # fmt: skip

    def test_a_bad_record_of_each_kind_never_hurts_its_neighbours(
        self, aws: Aws, vendor: Vendor, worker: EvaluationWorker, capsys: pytest.CaptureFixture[str]
    ) -> None:
        vendor.says(1, body(1, goal(met=True)))
        vendor.fails(2, 500)
        vendor.fails(3, 400)
        vendor.fails(4, body=ZeroDivisionError("a bug"))
        vendor.fails(5, 200, "{not JSON")
        vendor.fails(6, 200, '{"data": {}}')
        vendor.fails(7, body=requests.ReadTimeout())
        vendor.fails(8, 404)
        vendor.says(9, body(9, goal()))
        given = [*({"recording_id": number} for number in range(1, 10)), "not JSON"]
        with log_lines_of(evaluate_recordings.logger):
            answer = worker.handle(batch(*given), context())
        assert answer == failures(4)
        assert statuses(aws) == {"RECORDING#1": "clear", "RECORDING#9": "violations"}
        assert sorted(letter["dead_letter_reason"] for letter in aws.dead_letters()) == [
            "bad_request",
            "malformed_event",
        ]
        assert sum(aws.waiting(aws.queue_url)) == 5  # deferred: 2, 5, 6, 7 and 8
        counted = metrics(capsys.readouterr().out)
        assert counted["RecordingsReceived"] == 10
        assert counted["RecordingsEvaluated"] == 2
        assert counted["RecordingsDeferred/upstream_down"] == 3
        assert counted["RecordingsDeferred/unusable_results"] == counted["RecordingsDeferred/not_found"] == 1
        assert counted["RecordsFailed"] == 1

    def test_if_every_record_fails_each_is_named_once(self, vendor: Vendor, worker: EvaluationWorker) -> None:
        for number in (1, 2):
            vendor.fails(number, body=ZeroDivisionError("a bug"))
        with log_lines_of(evaluate_recordings.logger):
            given = batch({"recording_id": 1}, {"recording_id": 2}, {"recording_id": 1})
            answer = worker.handle(given, context())
        assert sorted(item["itemIdentifier"] for item in answer["batchItemFailures"]) == [
            "message-1", "message-2", "message-3",
        ]  # fmt: skip
        assert [set(item) for item in answer["batchItemFailures"]] == [{"itemIdentifier"}] * 3

    def test_duplicates_in_a_batch_are_one_evaluation(
        self, aws: Aws, vendor: Vendor, worker: EvaluationWorker, capsys: pytest.CaptureFixture[str]
    ) -> None:
        vendor.says(123, body(123, goal()))
        assert worker.handle(batch(*[{"recording_id": 123}] * 10), context()) == NOTHING_FAILED
        assert vendor.requests() == ["/recordings/123/results", "/recordings/123"]
        assert len(alerts(aws)) == 1
        assert metrics(capsys.readouterr().out)["DuplicatesSkipped"] == 9

    def test_of_duplicates_the_newest_is_the_one_that_counts(
        self, vendor: Vendor, worker: EvaluationWorker, clock: FakeClock
    ) -> None:
        vendor.says(123, body(123))
        worker.handle(batch({"recording_id": 123}), context())
        clock.advance(3_600_000)
        old, new = (
            sqs_record({"recording_id": 123}, n, sent_ms=ms) for n, ms in enumerate([NOON_MS - 9_000, clock()], 1)
        )
        before = len(vendor.requests())
        assert worker.handle({"Records": [new, old]}, context()) == NOTHING_FAILED
        assert len(vendor.requests()) > before

    def test_both_ids_of_one_recording_in_one_batch_are_one_outcome_and_one_alert(
        self, aws: Aws, vendor: Vendor, worker: EvaluationWorker, clock: FakeClock
    ) -> None:
        vendor.says(123, body(123, goal()))
        vendor.says(UUID, body(123, goal()), id=123)
        given = batch({"recording_id": 123}, {"recording_id": UUID})
        assert worker.handle(given, context()) == NOTHING_FAILED
        clock.advance(LEASE_MS)
        worker.handle(given, context())
        assert statuses(aws) == {"RECORDING#123": "violations"}
        assert len({alert.alert_id for alert in alerts(aws)}) == 1

    def test_nothing_is_started_too_near_the_deadline(self, aws: Aws, vendor: Vendor, worker: EvaluationWorker) -> None:
        given = batch({"recording_id": 1}, {"recording_id": 2})
        assert worker.handle(given, context(remaining_ms=17_000)) == NOTHING_FAILED
        assert vendor.requests() == []
        assert aws.waiting(aws.queue_url) == (2, 0)

    def test_an_event_of_a_megabyte_is_a_dead_letter_with_its_body_cut(
        self, aws: Aws, worker: EvaluationWorker
    ) -> None:
        assert worker.handle(batch("x" * 1_048_576), context()) == NOTHING_FAILED
        [letter] = aws.dead_letters()
        assert letter["dead_letter_reason"] == "malformed_event"
        assert "of its 1048576 bytes are kept" in letter["dead_letter_message"]

    def test_an_event_of_a_megabyte_that_has_to_wait_waits(
        self, aws: Aws, vendor: Vendor, worker: EvaluationWorker
    ) -> None:
        """Its copy carries its history beside it, and a message is a megabyte at most, all in all."""
        vendor.fails(1, 500)
        padding = "x" * (1_048_576 - len(json.dumps({"recording_id": 1, "padding": ""})))
        assert worker.handle(batch({"recording_id": 1, "padding": padding}), context()) == NOTHING_FAILED
        assert aws.waiting(aws.queue_url) == (0, 1)
        [sent] = aws.calls.of("sqs.SendMessage")
        attributes = [f"{name}String{value['StringValue']}" for name, value in sent["MessageAttributes"].items()]
        assert sum(len(text.encode()) for text in [sent["MessageBody"], *attributes]) <= 1_048_576

    @pytest.mark.parametrize("written", ['"../1"', "0", "-1", "true", "1e400", "null", "[]"])
    def test_a_bad_id_is_a_dead_letter_that_names_the_fault(
        self, aws: Aws, vendor: Vendor, worker: EvaluationWorker, written: str
    ) -> None:
        given = f'{{"recording_id": {written}}}'
        assert worker.handle(batch(given), context()) == NOTHING_FAILED
        [letter] = aws.dead_letters()
        assert letter["body"] == given
        assert letter["dead_letter_reason"] == "malformed_event"
        assert "recording_id" in letter["dead_letter_message"]
        assert vendor.requests() == []

    def test_a_failed_message_comes_back_later_each_time(
        self, aws: Aws, vendor: Vendor, worker: EvaluationWorker
    ) -> None:
        vendor.fails(1, body=ZeroDivisionError("a bug"))
        aws.sqs.send_message(QueueUrl=aws.queue_url, MessageBody='{"recording_id": 1}')
        given = received(aws, aws.queue_url, NOON_MS)
        given["Records"][0]["attributes"]["ApproximateReceiveCount"] = "3"
        with log_lines_of(evaluate_recordings.logger) as lines:
            answer = worker.handle(given, context())
        assert answer == {"batchItemFailures": [{"itemIdentifier": given["Records"][0]["messageId"]}]}
        assert [call["VisibilityTimeout"] for call in aws.calls.of("sqs.ChangeMessageVisibility")] == [90]
        assert [line["level"] for line in lines] == ["ERROR"]

    def test_a_message_whose_return_cannot_be_delayed_fails_all_the_same(
        self, vendor: Vendor, worker: EvaluationWorker
    ) -> None:
        vendor.fails(1, body=ZeroDivisionError("a bug"))
        with log_lines_of(evaluate_recordings.logger) as lines:
            answer = worker.handle(batch({"recording_id": 1}), context())  # its receipt handle is not SQS's
        assert answer == failures(1)
        assert len(lines) == 2

    def test_a_record_that_is_not_lambdas_fails_the_invocation(self, worker: EvaluationWorker) -> None:
        record = sqs_record({"recording_id": 1}, sent_ms=NOON_MS)
        del record["attributes"]
        with pytest.raises(KeyError, match="attributes"):
            worker.handle({"Records": [record]}, context())

    def test_a_record_that_hangs_is_redelivered_and_its_neighbours_are_not(
        self, aws: Aws, vendor: Vendor, worker: EvaluationWorker, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """An answer whose head trickles has no time-out of its own; the invocation's end must not take all with it."""
        released = threading.Event()

        def hang(_: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
            released.wait(60)
            return 500, {}, ""

        vendor.mock.add_callback("GET", f"{API}/recordings/1/results", hang)
        vendor.says(2, body(2, goal(met=True)))
        monkeypatch.setattr(batch_loop, "_ANSWER_RESERVE_MS", 29_000)  # of 30 s
        threads = worker._batch._threads
        assert threads
        with log_lines_of(evaluate_recordings.logger) as lines:
            answer = worker.handle(batch({"recording_id": 1}, {"recording_id": 2}), context())
        released.set()
        threads._pool.shutdown()
        assert answer == failures(1)
        assert statuses(aws) == {"RECORDING#2": "clear"}
        assert lines


class TestDeferral:
    def test_a_deferred_copy_comes_back_with_its_history_and_is_judged(
        self, aws: Aws, vendor: Vendor, worker: EvaluationWorker, clock: FakeClock
    ) -> None:
        vendor.fails(123, 503, **{"Retry-After": "0"})
        given = {"recording_id": 123, "source": "webhook"}
        assert worker.handle(batch(given), context()) == NOTHING_FAILED
        [sent] = aws.calls.of("sqs.SendMessage")
        history = History.model_validate_json(sent["MessageAttributes"][HISTORY_ATTRIBUTE]["StringValue"])
        assert (history.first_sent_ms, history.reason, history.deferrals) == (
            NOON_MS,
            "upstream_down",
            {"upstream_down": 1},
        )
        clock.advance(sent["DelaySeconds"] * 1_000 + 1)
        vendor.mock.reset()
        vendor.says(123, body(123, goal()))
        copy = sqs_record(sent["MessageBody"], sent_ms=NOON_MS, history=history.model_dump_json())
        assert worker.handle({"Records": [copy]}, context()) == NOTHING_FAILED
        assert statuses(aws) == {"RECORDING#123": "violations"}
        assert aws.item("RECORDING#123")["source"] == {"S": "webhook"}

    @pytest.mark.parametrize(("waited_ms", "told"), [(3_600_000, False), (3_600_001, True)])
    def test_waiting_for_over_an_hour_is_told(
        self, vendor: Vendor, worker: EvaluationWorker, capsys: pytest.CaptureFixture[str], waited_ms: int, told: bool
    ) -> None:
        vendor.fails(123, 500)
        history = History(first_sent_ms=NOON_MS - waited_ms, copied_ms=NOON_MS)
        record = sqs_record({"recording_id": 123}, sent_ms=NOON_MS, history=history.model_dump_json())
        worker.handle({"Records": [record]}, context())
        assert ("DeferredOverAnHour" in metrics(capsys.readouterr().out)) is told

    @pytest.mark.parametrize(
        ("status", "reason", "operator_needed"),
        [
            (401, "unauthorized", True),
            (403, "forbidden", True),
            (429, "throttled", False),
            (500, "upstream_down", False),
        ],
    )
    def test_what_only_an_operator_can_mend_is_counted_for_the_alarm(
        self,
        vendor: Vendor,
        worker: EvaluationWorker,
        capsys: pytest.CaptureFixture[str],
        status: int,
        reason: str,
        operator_needed: bool,
    ) -> None:
        vendor.fails(123, status)
        worker.handle(batch({"recording_id": 123}), context())
        counted = metrics(capsys.readouterr().out)
        assert counted[f"RecordingsDeferred/{reason}"] == 1
        assert counted.get("OperatorNeeded", 0) == operator_needed

    def test_without_a_key_nothing_is_lost_and_an_operator_is_needed(
        self, aws: Aws, worker: EvaluationWorker, capsys: pytest.CaptureFixture[str]
    ) -> None:
        aws.ssm.delete_parameter(Name=f"{PREFIX}/api-key")
        assert worker.handle(batch({"recording_id": 123}), context()) == NOTHING_FAILED
        assert sum(aws.waiting(aws.queue_url)) == 1
        counted = metrics(capsys.readouterr().out)
        assert (counted["RecordingsDeferred/no_api_key"], counted["OperatorNeeded"]) == (1, 1)

    def test_with_invalid_rules_nothing_is_fetched_nor_judged(
        self, aws: Aws, vendor: Vendor, worker: EvaluationWorker, capsys: pytest.CaptureFixture[str]
    ) -> None:
        aws.put_parameter(f"{PREFIX}/rules", '{"version": 1, "rules": [{"id": "x", "when": "moon_full"}]}')
        assert worker.handle(batch({"recording_id": 123}), context()) == NOTHING_FAILED
        assert (vendor.requests(), statuses(aws)) == ([], {})
        counted = metrics(capsys.readouterr().out)
        assert (counted["RecordingsDeferred/rules_invalid"], counted["OperatorNeeded"]) == (1, 1)


class TestCrashBetweenSaveAndPublish:
    def test_a_failed_publish_is_carried_on_by_the_redelivery(
        self, aws: Aws, vendor: Vendor, worker: EvaluationWorker, clock: FakeClock
    ) -> None:
        vendor.says(123, body(123, goal()))
        aws.sns.delete_topic(TopicArn=aws.topic_arn)
        with log_lines_of(evaluate_recordings.logger):
            assert worker.handle(batch({"recording_id": 123}), context()) == failures(1)
        alert = aws.item("RECORDING#123")["alert"]["M"]
        assert alert["state"] == {"S": "pending"}

        aws.sns.create_topic(Name="alerts")
        aws.sns.subscribe(
            TopicArn=aws.topic_arn, Protocol="sqs", Endpoint="arn:aws:sqs:eu-central-1:123456789012:subscriber",
            Attributes={"RawMessageDelivery": "true"},
        )  # fmt: skip
        before = len(vendor.requests())
        clock.advance(LEASE_MS + 5_000)
        assert worker.handle(batch({"recording_id": 123}, sent_ms=NOON_MS - 5_000), context()) == NOTHING_FAILED
        assert [published.alert_id for published in alerts(aws)] == [alert["alert_id"]["S"]]
        assert len(vendor.requests()) == before
        assert aws.item("RECORDING#123")["alert"]["M"]["state"] == {"S": "published"}


class TestCalls:
    """What a recording costs in calls to AWS: counted where botocore makes them."""

    def warm(self, aws: Aws, vendor: Vendor, worker: EvaluationWorker) -> None:
        vendor.says(WARM_UP, body(WARM_UP, goal(met=True)))
        worker.handle(batch({"recording_id": WARM_UP}), context())
        aws.calls.clear()

    def test_a_clear_recording_is_one_write(self, aws: Aws, vendor: Vendor, worker: EvaluationWorker) -> None:
        self.warm(aws, vendor, worker)
        vendor.says(1, body(1, goal(met=True)))
        worker.handle(batch({"recording_id": 1}), context())
        of_the_batch = ["dynamodb.BatchGetItem", "dynamodb.PutItem"]
        assert aws.calls.names == [*of_the_batch, "dynamodb.PutItem"]
        assert [call["Item"]["pk"]["S"] for call in aws.calls.of("dynamodb.PutItem")] == ["BUDGET", "RECORDING#1"]

    def test_ten_clear_recordings_are_ten_writes_and_two_calls(
        self, aws: Aws, vendor: Vendor, worker: EvaluationWorker
    ) -> None:
        self.warm(aws, vendor, worker)
        for number in range(1, 11):
            vendor.says(number, body(number, goal(met=True)))
        worker.handle(batch(*({"recording_id": number} for number in range(1, 11))), context())
        assert sorted(aws.calls.names) == ["dynamodb.BatchGetItem", *["dynamodb.PutItem"] * 11]

    def test_ten_alerting_recordings_are_write_publish_mark_each_and_three_calls(
        self, aws: Aws, vendor: Vendor, worker: EvaluationWorker
    ) -> None:
        self.warm(aws, vendor, worker)
        for number in range(1, 11):
            vendor.says(number, body(number, goal()))
        worker.handle(batch(*({"recording_id": number} for number in range(1, 11))), context())
        counted = {name: aws.calls.names.count(name) for name in set(aws.calls.names)}
        assert counted["sns.Publish"] == counted["dynamodb.UpdateItem"] == 10
        assert counted["dynamodb.BatchGetItem"] == 1
        assert counted["dynamodb.PutItem"] == 10 + 2  # a budget write for the results, another for the details
        assert sum(counted.values()) == 30 + 3

    def test_old_news_costs_the_batchs_read_and_nothing_else(
        self, aws: Aws, vendor: Vendor, worker: EvaluationWorker
    ) -> None:
        self.warm(aws, vendor, worker)
        worker.handle(batch({"recording_id": WARM_UP}, sent_ms=NOON_MS - 5_000), context())
        assert aws.calls.names == ["dynamodb.BatchGetItem"]

    def test_parameters_are_read_once_a_minute(
        self, aws: Aws, vendor: Vendor, worker: EvaluationWorker, clock: FakeClock
    ) -> None:
        self.warm(aws, vendor, worker)
        for number in range(1, 4):
            vendor.says(number, body(number, goal(met=True)))
            clock.advance(25_000)
            worker.handle(batch({"recording_id": number}), context())
        assert aws.calls.names.count("ssm.GetParameters") == 1


EVENT = {
    "source": "identitycall",
    "detail-type": "Recording Analyzed",
    "time": "2026-11-23T12:00:00Z",
    "detail": {"recording_id": 123},
}


class TestDirectInvocation:
    def test_an_eventbridge_event_is_answered_with_what_came_of_it(
        self, aws: Aws, vendor: Vendor, worker: EvaluationWorker
    ) -> None:
        vendor.says(123, body(123, goal()))
        answer = worker.handle(EVENT, context())
        assert answer == {"recording_id": 123, "result": "evaluated", "reason": "violations"}
        assert aws.item("RECORDING#123")["source"] == {"S": "eventbridge"}
        assert json.dumps(answer)

    def test_its_time_decides_whether_it_is_old_news(
        self, vendor: Vendor, worker: EvaluationWorker, clock: FakeClock
    ) -> None:
        vendor.says(123, body(123))
        clock.advance(3_000)
        worker.handle(EVENT, context())
        again = worker.handle(EVENT, context())
        assert again == {"recording_id": 123, "result": "duplicate", "reason": "old_news"}
        later = worker.handle(EVENT | {"time": "2026-11-23T12:00:03Z"}, context())
        assert later == {"recording_id": 123, "result": "duplicate", "reason": "unchanged"}

    def test_an_event_of_last_year_waits_as_long_as_any_other(
        self, aws: Aws, vendor: Vendor, worker: EvaluationWorker
    ) -> None:
        """Replayed from an archive it keeps its time, which says what it is about, not how long it has waited."""
        vendor.fails(123, 500)
        answer = worker.handle(EVENT | {"time": "2025-11-23T12:00:00Z"}, context())
        assert answer == {"recording_id": 123, "result": "deferred", "reason": "upstream_down"}
        assert sum(aws.waiting(aws.queue_url)) == 1

    def test_what_has_to_wait_waits_in_the_queue(
        self, aws: Aws, vendor: Vendor, worker: EvaluationWorker, clock: FakeClock
    ) -> None:
        vendor.fails(123, 500)
        answer = worker.handle(EVENT, context())
        assert answer == {"recording_id": 123, "result": "deferred", "reason": "upstream_down"}
        [sent] = aws.calls.of("sqs.SendMessage")
        assert sent["QueueUrl"] == aws.queue_url
        history = History.model_validate_json(sent["MessageAttributes"][HISTORY_ATTRIBUTE]["StringValue"])
        assert history.first_sent_ms == NOON_MS
        copy = sqs_record(sent["MessageBody"], sent_ms=NOON_MS, history=history.model_dump_json())
        vendor.mock.reset()
        vendor.says(123, body(123))
        clock.advance(60_000)
        worker.handle({"Records": [copy]}, context())
        assert aws.item("RECORDING#123")["source"] == {"S": "eventbridge"}

    def test_what_never_will_be_is_a_dead_letter(self, aws: Aws, vendor: Vendor, worker: EvaluationWorker) -> None:
        vendor.fails(123, 400)
        answer = worker.handle(EVENT, context())
        assert answer == {"recording_id": 123, "result": "dead_lettered", "reason": "bad_request"}
        [letter] = aws.dead_letters()
        assert json.loads(letter["body"]) == EVENT

    @pytest.mark.parametrize(
        "event",
        [
            {},
            [],
            None,
            "text",
            7,
            {"recording_id": math.inf},
            {"recording_id": "\ud800"},
            {"Records": []},
            {"Records": None},
            {"Records": 5},
            {"Records": "abc"},
            {"Records": {"0": {}}},
            {"Records": [None]},
            {"Records": ["text"]},
            {"Records": [{"EventSource": "aws:sns", "Sns": {"Message": "{}"}}]},
            {"Records": [{"eventSource": "aws:s3"}]},
        ],
        ids=repr,
    )
    def test_any_other_event_is_a_dead_letter_that_says_so(
        self, aws: Aws, worker: EvaluationWorker, event: Any
    ) -> None:
        answer = worker.handle(event, context())
        assert answer == {"recording_id": None, "result": "dead_lettered", "reason": "malformed_event"}
        [letter] = aws.dead_letters()
        assert json.loads(letter["body"]) == event
        assert letter["dead_letter_message"].startswith("The event cannot be read: ")

    def test_what_is_unexpected_is_raised_for_lambdas_own_dead_letter_queue(
        self, vendor: Vendor, worker: EvaluationWorker
    ) -> None:
        vendor.fails(123, body=ZeroDivisionError("a bug"))
        with pytest.raises(ZeroDivisionError):
            worker.handle(EVENT, context())

    def test_metrics_are_written_even_then(
        self, vendor: Vendor, worker: EvaluationWorker, capsys: pytest.CaptureFixture[str]
    ) -> None:
        vendor.fails(123, body=ZeroDivisionError("a bug"))
        with pytest.raises(ZeroDivisionError):
            worker.handle(EVENT, context())
        assert metrics(capsys.readouterr().out)["RecordingsReceived"] == 1


class TestOutages:
    def test_a_table_that_is_gone_fails_each_record_and_nothing_is_lost(
        self, aws: Aws, vendor: Vendor, worker: EvaluationWorker
    ) -> None:
        aws.dynamodb.delete_table(TableName=TABLE)
        with log_lines_of(evaluate_recordings.logger):
            answer = worker.handle(batch({"recording_id": 1}, {"recording_id": 2}), context())
        assert sorted(item["itemIdentifier"] for item in answer["batchItemFailures"]) == ["message-1", "message-2"]
        assert vendor.requests() == []

    def test_a_deferral_that_cannot_be_sent_fails_its_record_only(
        self, aws: Aws, vendor: Vendor, worker: EvaluationWorker
    ) -> None:
        vendor.fails(1, 500)
        vendor.says(2, body(2, goal(met=True)))
        aws.sqs.delete_queue(QueueUrl=aws.queue_url)
        with log_lines_of(evaluate_recordings.logger):
            assert worker.handle(batch({"recording_id": 1}, {"recording_id": 2}), context()) == failures(1)
        assert statuses(aws) == {"RECORDING#2": "clear"}

    def test_a_dead_letter_that_cannot_be_sent_fails_its_record_only(
        self, aws: Aws, vendor: Vendor, worker: EvaluationWorker
    ) -> None:
        vendor.says(2, body(2, goal(met=True)))
        aws.sqs.delete_queue(QueueUrl=aws.dead_letter_url)
        with log_lines_of(evaluate_recordings.logger):
            assert worker.handle(batch("not JSON", {"recording_id": 2}), context()) == failures(1)
        assert statuses(aws) == {"RECORDING#2": "clear"}

    def test_one_that_cannot_be_sent_directly_is_raised(self, aws: Aws, worker: EvaluationWorker) -> None:
        aws.sqs.delete_queue(QueueUrl=aws.dead_letter_url)
        with pytest.raises(ClientError):
            worker.handle({}, context())


class TestMetrics:
    def test_an_alerting_recording_is_measured_from_its_events_sending(
        self, vendor: Vendor, worker: EvaluationWorker, clock: FakeClock, capsys: pytest.CaptureFixture[str]
    ) -> None:
        vendor.says(123, body(123, goal(), pause()))
        clock.advance(4_321)
        worker.handle(batch({"recording_id": 123}), context())
        assert metrics(capsys.readouterr().out) == {
            "RecordingsReceived": 1,
            "ApiBudgetWaitMs": 0,
            "ApiRequests/200": 2,
            "RecordingsEvaluated": 1,
            "RuleViolations": 2,
            "AlertsPublished": 1,
            "EventToAlertMs": 4_321,
        }

    def test_no_id_and_no_text_from_outside_is_ever_a_dimension(
        self, vendor: Vendor, worker: EvaluationWorker, capsys: pytest.CaptureFixture[str]
    ) -> None:
        vendor.says(123, body(123, goal(3), pause()))
        for recording, status in ((124, 500), (125, 400), (126, 404), (127, 599), (UUID, 429)):
            vendor.fails(recording, status)
        given = [{"recording_id": recording} for recording in (123, 124, 125, 126, 127, UUID)]
        worker.handle(batch(*given, "not JSON", {"recording_id": "../1"}), context())
        words = set()
        for line in capsys.readouterr().out.splitlines():
            emf = json.loads(line)
            [dimensions] = emf["_aws"]["CloudWatchMetrics"][0]["Dimensions"]
            assert "service" in dimensions
            words |= {emf[name] for name in dimensions}
        assert words == {
            "alerts-evaluate-recordings",
            *("200", "400", "404", "429", "500", "599"),
            *("upstream_down", "throttled", "not_found", "bad_request", "malformed_event"),
        }


def test_the_base_url_is_never_part_of_an_event(vendor: Vendor, worker: EvaluationWorker) -> None:
    for written in ("https://evil.test/1", "//evil.test", "1@evil.test", "..", "1?x=https://evil.test"):
        worker.handle(batch({"recording_id": written}), context())
    assert vendor.requests() == []
    assert API.startswith("https://api.identitycall.test")
