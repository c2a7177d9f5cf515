"""What a recording costs in calls to AWS, counted where botocore makes them."""

from collections import Counter

import pytest

from tests.fakes.clock import NOON_MS
from tests.integration.evaluation import Evaluation

WARM_UP = 999


@pytest.fixture
def warm(evaluation: Evaluation) -> Evaluation:
    """With the parameters read and the request budget known."""
    evaluation.clear(WARM_UP)
    evaluation.batch(WARM_UP)
    evaluation.aws.calls.clear()
    return evaluation


def test_a_clear_recording_is_one_write(warm: Evaluation) -> None:
    warm.clear(1)
    warm.batch(1)
    assert warm.aws.calls.names == ["dynamodb.BatchGetItem", "dynamodb.PutItem", "dynamodb.PutItem"]
    assert [call["Item"]["pk"]["S"] for call in warm.aws.calls.of("dynamodb.PutItem")] == ["BUDGET", "RECORDING#1"]


def test_ten_clear_recordings_are_ten_writes_and_two_calls(warm: Evaluation) -> None:
    warm.clear(*range(1, 11))
    warm.batch(*range(1, 11))
    assert Counter(warm.aws.calls.names) == {"dynamodb.BatchGetItem": 1, "dynamodb.PutItem": 10 + 1}


def test_ten_alerting_recordings_are_write_publish_mark_each_and_three_calls(warm: Evaluation) -> None:
    warm.unmet(*range(1, 11))
    warm.batch(*range(1, 11))
    assert Counter(warm.aws.calls.names) == {
        "dynamodb.BatchGetItem": 1,
        "dynamodb.PutItem": 10 + 2,  # a budget write for the results, another for the details
        "sns.Publish": 10,
        "dynamodb.UpdateItem": 10,
    }


def test_old_news_costs_the_batch_s_read_alone(warm: Evaluation) -> None:
    warm.batch(WARM_UP, sent_ms=NOON_MS - 5_000)
    assert warm.aws.calls.names == ["dynamodb.BatchGetItem"]


def test_parameters_are_read_once_a_minute(warm: Evaluation) -> None:
    for number in range(1, 4):
        warm.clear(number)
        warm.clock.advance(25_000)
        warm.batch(number)
    assert warm.aws.calls.names.count("ssm.GetParameters") == 1
