"""A batch of events through the evaluation function: judged, deferred or dead-lettered, each for itself."""

import json
from typing import Any

import pytest
import requests

from domain.lease import LEASE_MS
from domain.retry import History
from tests.fakes.clock import NOON_MS
from tests.fakes.make import UUID, body, goal, pause
from tests.fakes.sqs import sqs_record
from tests.integration.aws import TABLE
from tests.integration.evaluation import NONE_FAILED, Evaluation
from tests.integration.workers import API, PREFIX

MEGABYTE = 1_048_576
A_BUG = ZeroDivisionError("a bug")


class TestBatch:
    def test_ten_recordings_are_judged_at_once(self, evaluation: Evaluation) -> None:
        evaluation.unmet(1, 3, 5, 7, 9)
        evaluation.clear(2, 4, 6, 8, 10)
        assert evaluation.batch(*range(1, 11)) == NONE_FAILED
        assert evaluation.statuses() == {f"RECORDING#{n}": "violations" if n % 2 else "clear" for n in range(1, 11)}
        assert sorted(alert.recording_id for alert in evaluation.alerts()) == [1, 3, 5, 7, 9]

    def test_a_bad_record_of_each_kind_never_hurts_its_neighbours(self, evaluation: Evaluation) -> None:
        evaluation.clear(1)
        evaluation.vendor.fails(2, 500)
        evaluation.vendor.fails(3, 400)
        evaluation.vendor.fails(4, body=A_BUG)
        evaluation.vendor.fails(5, 200, "{not JSON")
        evaluation.vendor.fails(6, 200, '{"data": {}}')
        evaluation.vendor.fails(7, body=requests.ReadTimeout())
        evaluation.vendor.fails(8, 404)
        evaluation.unmet(9)
        assert evaluation.batch(*range(1, 10), "not JSON") == [4]
        assert evaluation.statuses() == {"RECORDING#1": "clear", "RECORDING#9": "violations"}
        reasons = [letter["dead_letter_reason"] for letter in evaluation.aws.dead_letters()]
        assert sorted(reasons) == ["bad_request", "malformed_event"]
        assert evaluation.waiting() == 5  # 2, 5, 6, 7 and 8
        counted = evaluation.counted()
        assert (counted["RecordingsReceived"], counted["RecordingsEvaluated"], counted["RecordsFailed"]) == (10, 2, 1)
        assert counted["RecordingsDeferred/upstream_down"] == 3
        assert counted["RecordingsDeferred/unusable_results"] == counted["RecordingsDeferred/not_found"] == 1

    @pytest.mark.parametrize(
        "unreadable",
        [
            {"status": {"S": "of a newer version"}},
            {"revision": {"S": "3"}},
            {"evaluated_at": {"S": "yesterday"}},
            {"alert": {"M": {}}},
        ],
        ids=lambda changed: next(iter(changed)),
    )
    def test_an_outcome_that_cannot_be_read_ends_its_own_event_only(
        self, evaluation: Evaluation, unreadable: dict[str, Any]
    ) -> None:
        evaluation.clear(*range(1, 11))
        evaluation.batch(1)
        evaluation.aws.dynamodb.put_item(TableName=TABLE, Item=evaluation.aws.item("RECORDING#1") | unreadable)
        evaluation.clock.advance(60_000)
        assert evaluation.batch(*range(1, 11), sent_ms=evaluation.clock()) == NONE_FAILED
        assert evaluation.statuses().keys() == {f"RECORDING#{number}" for number in range(1, 11)}
        [letter] = evaluation.aws.dead_letters()
        assert letter["dead_letter_reason"] == "outcome_unreadable"
        assert letter["dead_letter_message"].startswith("Recording 1: its stored outcome cannot be read")
        assert evaluation.counted()["EventsDeadLettered/outcome_unreadable"] == 1

    def test_duplicates_in_a_batch_are_one_evaluation(self, evaluation: Evaluation) -> None:
        evaluation.unmet(123)
        assert evaluation.batch(*[123] * 10) == NONE_FAILED
        assert evaluation.vendor.requests() == ["/recordings/123/results", "/recordings/123"]
        assert len(evaluation.alerts()) == 1
        assert evaluation.counted()["DuplicatesSkipped"] == 9

    def test_a_deferred_event_of_a_megabyte_fits_with_its_history(self, evaluation: Evaluation) -> None:
        evaluation.vendor.fails(1, 500)
        padding = "x" * (MEGABYTE - len(json.dumps({"recording_id": 1, "padding": ""})))
        assert evaluation.batch({"recording_id": 1, "padding": padding}) == NONE_FAILED
        sent, history = evaluation.deferred()
        assert len(sent["MessageBody"]) + len(history.model_dump_json()) < MEGABYTE
        assert evaluation.waiting() == 1


class TestDeferral:
    def test_a_deferred_copy_comes_back_with_its_history_and_is_judged(self, evaluation: Evaluation) -> None:
        evaluation.vendor.fails(123, 503, **{"Retry-After": "0"})
        assert evaluation.batch({"recording_id": 123, "source": "webhook"}) == NONE_FAILED
        sent, history = evaluation.deferred()
        assert (history.first_sent_ms, history.reason) == (NOON_MS, "upstream_down")
        assert history.deferrals == {"upstream_down": 1}
        evaluation.clock.advance(sent["DelaySeconds"] * 1_000 + 1)
        evaluation.vendor.mock.reset()
        evaluation.unmet(123)
        copy = sqs_record(sent["MessageBody"], sent_ms=NOON_MS, history=history.model_dump_json())
        assert evaluation.records(copy) == NONE_FAILED
        assert evaluation.statuses() == {"RECORDING#123": "violations"}
        assert evaluation.source(123) == "webhook"

    @pytest.mark.parametrize("frozen_ms", [28_000, 20 * 3_600_000])
    def test_a_thread_sends_nothing_after_its_batch_was_answered(self, evaluation: Evaluation, frozen_ms: int) -> None:
        def frozen(_: object) -> tuple[int, dict[str, str], str]:
            evaluation.clock.advance(frozen_ms)
            return 400, {}, ""

        evaluation.vendor.mock.add_callback("GET", f"{API}/recordings/123/results", frozen)
        assert evaluation.batch(123) == [1]
        assert evaluation.aws.dead_letters() == []
        assert evaluation.waiting() == 0

    @pytest.mark.parametrize(("waited_ms", "told"), [(3_600_000, False), (3_600_001, True)])
    def test_waiting_for_over_an_hour_is_counted(self, evaluation: Evaluation, waited_ms: int, told: bool) -> None:
        evaluation.vendor.fails(123, 500)
        history = History(first_sent_ms=NOON_MS - waited_ms, copied_ms=NOON_MS)
        evaluation.records(sqs_record({"recording_id": 123}, sent_ms=NOON_MS, history=history.model_dump_json()))
        assert ("DeferredOverAnHour" in evaluation.counted()) is told

    @pytest.mark.parametrize(
        ("status", "reason", "operator_needed"),
        [
            (401, "unauthorized", True),
            (403, "forbidden", True),
            (429, "throttled", False),
            (500, "upstream_down", False),
        ],
    )
    def test_only_what_an_operator_must_mend_rings(
        self, evaluation: Evaluation, status: int, reason: str, operator_needed: bool
    ) -> None:
        evaluation.vendor.fails(123, status)
        evaluation.batch(123)
        counted = evaluation.counted()
        assert counted[f"RecordingsDeferred/{reason}"] == 1
        assert counted.get("OperatorNeeded", 0) == operator_needed

    @pytest.mark.parametrize(
        ("entry", "value", "reason"),
        [
            ("api-key", None, "no_api_key"),
            ("rules", '{"version": 1, "rules": [{"id": "x", "when": "moon_full"}]}', "rules_invalid"),
        ],
    )
    def test_without_a_key_or_valid_rules_nothing_is_fetched_and_nothing_is_lost(
        self, evaluation: Evaluation, entry: str, value: str | None, reason: str
    ) -> None:
        if value:
            evaluation.aws.put_parameter(f"{PREFIX}/{entry}", value)
        else:
            evaluation.aws.ssm.delete_parameter(Name=f"{PREFIX}/{entry}")
        assert evaluation.batch(123) == NONE_FAILED
        assert (evaluation.vendor.requests(), evaluation.statuses(), evaluation.waiting()) == ([], {}, 1)
        counted = evaluation.counted()
        assert (counted[f"RecordingsDeferred/{reason}"], counted["OperatorNeeded"]) == (1, 1)


class TestOutages:
    @pytest.mark.parametrize(("queue", "bad"), [("queue_url", 1), ("dead_letter_url", "not JSON")])
    def test_a_queue_that_is_gone_fails_its_record_only(
        self, evaluation: Evaluation, queue: str, bad: int | str
    ) -> None:
        """A deferral or a dead letter that cannot be sent."""
        evaluation.vendor.fails(1, 500)
        evaluation.clear(2)
        evaluation.aws.sqs.delete_queue(QueueUrl=getattr(evaluation.aws, queue))
        assert evaluation.batch(bad, 2) == [1]
        assert evaluation.statuses() == {"RECORDING#2": "clear"}

    def test_a_failed_publish_is_carried_on_by_the_redelivery(self, evaluation: Evaluation) -> None:
        evaluation.unmet(123)
        evaluation.aws.sns.delete_topic(TopicArn=evaluation.aws.topic_arn)
        assert evaluation.batch(123) == [1]
        pending = evaluation.aws.item("RECORDING#123")["alert"]["M"]
        assert pending["state"] == {"S": "pending"}

        evaluation.aws.make_topic()
        before = len(evaluation.vendor.requests())
        evaluation.clock.advance(LEASE_MS + 5_000)
        assert evaluation.batch(123, sent_ms=NOON_MS - 5_000) == NONE_FAILED
        assert [alert.alert_id for alert in evaluation.alerts()] == [pending["alert_id"]["S"]]
        assert len(evaluation.vendor.requests()) == before
        assert evaluation.aws.item("RECORDING#123")["alert"]["M"]["state"] == {"S": "published"}


class TestMetrics:
    def test_an_alert_is_measured_from_its_event_s_sending(self, evaluation: Evaluation) -> None:
        evaluation.vendor.says(123, body(123, goal(), pause()))
        evaluation.clock.advance(4_321)
        evaluation.batch(123)
        assert evaluation.counted() == {
            "RecordingsReceived": 1,
            "ApiBudgetWaitMs": 0,
            "ApiRequests/200": 2,
            "RecordingsEvaluated": 1,
            "RuleViolations": 2,
            "AlertsPublished": 1,
            "EventToAlertMs": 4_321,
        }

    def test_no_id_and_no_text_from_outside_is_a_dimension(self, evaluation: Evaluation) -> None:
        evaluation.vendor.says(123, body(123, goal(3), pause()))
        for recording, status in ((124, 500), (125, 400), (126, 404), (127, 599), (UUID, 429)):
            evaluation.vendor.fails(recording, status)
        evaluation.batch(*range(123, 128), {"recording_id": UUID}, "not JSON", {"recording_id": "../1"})
        assert {word for name in evaluation.counted() for word in name.split("/")[1:]} == {
            *("200", "400", "404", "429", "500", "599"),
            *("upstream_down", "throttled", "not_found", "bad_request", "malformed_event"),
        }
