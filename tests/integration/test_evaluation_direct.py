"""The evaluation function invoked directly with one event: the answer says what became of it."""

import json
import math
from typing import Any

import pytest

from tests.fakes.clock import NOON_MS
from tests.fakes.sqs import sqs_record
from tests.integration.evaluation import NONE_FAILED, Evaluation

EVENT = {
    "source": "identitycall",
    "detail-type": "Recording Analyzed",
    "time": "2026-11-23T12:00:00Z",
    "detail": {"recording_id": 123},
}
DEFERRED = {"recording_id": 123, "result": "deferred", "reason": "upstream_down"}


def test_an_eventbridge_event_is_answered_with_its_result(evaluation: Evaluation) -> None:
    evaluation.unmet(123)
    assert evaluation.directly(EVENT) == {"recording_id": 123, "result": "evaluated", "reason": "violations"}
    assert evaluation.source(123) == "eventbridge"


def test_its_time_decides_whether_it_is_old_news(evaluation: Evaluation) -> None:
    evaluation.clear(123)
    evaluation.clock.advance(3_000)
    evaluation.directly(EVENT)
    assert evaluation.directly(EVENT)["reason"] == "old_news"
    later = evaluation.directly(EVENT | {"time": "2026-11-23T12:00:03Z"})
    assert later == {"recording_id": 123, "result": "duplicate", "reason": "unchanged"}


def test_an_event_of_last_year_waits_as_long_as_any_other(evaluation: Evaluation) -> None:
    """A replay from an archive keeps its time, which does not say how long the event has waited."""
    evaluation.vendor.fails(123, 500)
    assert evaluation.directly(EVENT | {"time": "2025-11-23T12:00:00Z"}) == DEFERRED
    assert evaluation.waiting() == 1


def test_a_deferred_event_waits_in_the_queue(evaluation: Evaluation) -> None:
    evaluation.vendor.fails(123, 500)
    assert evaluation.directly(EVENT) == DEFERRED
    sent, history = evaluation.deferred()
    assert history.first_sent_ms == NOON_MS
    evaluation.vendor.mock.reset()
    evaluation.clear(123)
    evaluation.clock.advance(60_000)
    copy = sqs_record(sent["MessageBody"], sent_ms=NOON_MS, history=history.model_dump_json())
    assert evaluation.records(copy) == NONE_FAILED
    assert evaluation.source(123) == "eventbridge"


def test_a_permanent_failure_is_a_dead_letter(evaluation: Evaluation) -> None:
    evaluation.vendor.fails(123, 400)
    answer = evaluation.directly(EVENT)
    assert answer == {"recording_id": 123, "result": "dead_lettered", "reason": "bad_request"}
    [letter] = evaluation.aws.dead_letters()
    assert json.loads(letter["body"]) == EVENT


@pytest.mark.parametrize(
    "event",
    [
        *({}, [], None, "text", 7, {"recording_id": math.inf}, {"recording_id": "\ud800"}),
        *({"Records": []}, {"Records": None}, {"Records": 5}, {"Records": "abc"}, {"Records": {"0": {}}}),
        *({"Records": [None]}, {"Records": ["text"]}, {"Records": [{"eventSource": "aws:s3"}]}),
        {"Records": [{"EventSource": "aws:sns", "Sns": {"Message": "{}"}}]},
    ],
    ids=repr,
)
def test_any_other_event_is_a_dead_letter_that_says_so(evaluation: Evaluation, event: Any) -> None:
    answer = evaluation.directly(event)
    assert answer == {"recording_id": None, "result": "dead_lettered", "reason": "malformed_event"}
    [letter] = evaluation.aws.dead_letters()
    assert json.loads(letter["body"]) == event
    assert letter["dead_letter_message"].startswith("The event cannot be read: ")


def test_an_unexpected_error_is_raised_for_lambda_s_own_dead_letter_queue(evaluation: Evaluation) -> None:
    evaluation.vendor.fails(123, body=ZeroDivisionError("a bug"))
    with pytest.raises(ZeroDivisionError):
        evaluation.directly(EVENT)
    assert evaluation.counted()["RecordingsReceived"] == 1
