"""`ica outcomes reindex` on a table that an older release filled."""

from typing import Any

import pytest

from adapters.dynamodb.reindexing import Reindexing
from tests.fakes.ica import Done, ica
from tests.integration.aws import REGION, TABLE, Aws
from tests.integration.ica.backtest.conftest import STACK

LAST = {"pk": {"S": "RECORDING#3"}, "sk": {"S": "OUTCOME"}}


def outcome(recording: int, **more: Any) -> dict[str, Any]:
    item = {"pk": {"S": f"RECORDING#{recording}"}, "sk": {"S": "OUTCOME"}, "revision": {"N": "4"}}
    return item | {"evaluated_at": {"S": "2026-11-20T08:00:00.000Z"}} | more


OLD = [
    *(outcome(number) for number in range(1, 4)),
    {"pk": {"S": "RECORDING#1"}, "sk": {"S": "DELIVERY#a#slack"}, "sent_at": {"S": "2026-11-20T08:00:03.000Z"}},
    {"pk": {"S": "RECORDING#2"}, "sk": {"S": "DELIVERY#b#slack"}, "lease_until_ms": {"N": "1795219200000"}},
    outcome(4, evaluated_at={"S": "long ago"}),
    outcome(5, index_day={"S": "OUTCOME#2026-11-21"}, index_time={"S": "2026-11-21T08:00:00.000Z#5"}),
    {"pk": {"S": "MARK#1"}, "sk": {"S": "DISCOVERED"}},
]


@pytest.fixture
def stack(aws: Aws) -> Aws:
    aws.session().client("cloudformation").create_stack(StackName="past", TemplateBody=STACK)
    for item in OLD:
        aws.dynamodb.put_item(TableName=TABLE, Item=item)
    return aws


def reindex(*arguments: str, **options: Any) -> Done:
    return ica("outcomes", "reindex", "--stack", "past", "--region", REGION, *arguments, **options)


def days(aws: Aws) -> dict[str, str]:
    return {
        f"{each['pk']['S']} {each['sk']['S']}": each["index_day"]["S"] for each in aws.items() if "index_day" in each
    }


def test_older_outcomes_and_deliveries_enter_the_index_and_a_second_run_finds_nothing_to_do(stack: Aws) -> None:
    done = reindex("--yes")
    assert (done.code, done.out) == (0, "5 items added to the index.\n")
    assert "1 item left: written anew meanwhile, or without a time." in done.err
    assert days(stack) == {
        **{f"RECORDING#{number} OUTCOME": "OUTCOME#2026-11-20" for number in (1, 2, 3)},
        "RECORDING#1 DELIVERY#a#slack": "DELIVERY#2026-11-20",
        "RECORDING#2 DELIVERY#b#slack": "DELIVERY#2026-11-21",
        "RECORDING#5 OUTCOME": "OUTCOME#2026-11-21",
    }
    item = stack.item("RECORDING#1")
    assert (item["index_time"], item["revision"]) == ({"S": "2026-11-20T08:00:00.000Z#1"}, {"N": "4"})
    assert reindex("--yes").out == "0 items added to the index.\n"


def test_what_was_stopped_goes_on_where_it_was(stack: Aws) -> None:
    table = Reindexing(stack.dynamodb, TABLE)
    table.note(LAST)
    assert table.stopped_at() == LAST
    done = reindex("--yes")
    assert "An earlier run was stopped; this one goes on where it was." in done.err
    assert table.stopped_at() is None
    assert "RECORDING#3 OUTCOME" not in days(stack)


def test_an_item_that_evaluation_wrote_meanwhile_is_left(stack: Aws) -> None:
    assert not Reindexing(stack.dynamodb, TABLE).add(OLD[6])
    assert not Reindexing(stack.dynamodb, TABLE).add(outcome(99))
    assert len(stack.items()) == len(OLD)


@pytest.mark.parametrize(("answer", "code"), [(None, 2), ("n", 0), ("", 0)])
def test_without_agreement_nothing_changes(stack: Aws, answer: str | None, code: int) -> None:
    before = stack.items()
    done = reindex(answer=answer)
    assert (done.code, done.out) == (code, "")
    assert "Nothing was changed" in done.err
    assert stack.items() == before


def test_a_stack_that_does_not_exist(aws: Aws) -> None:
    done = reindex("--yes")
    assert (done.code, done.out) == (3, "")
    assert done.err.startswith("There is no stack named past in ")
