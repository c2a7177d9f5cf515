"""What the functions write into the table is what template.yaml lets them write, and no more.

The emulator of the end-to-end tests knows no `dynamodb:LeadingKeys` and refuses no write for its key. So the writes of
the real workers are compared with the roles here.
"""

from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from adapters.dynamodb.backtest_table import BacktestTable, StoredBacktest
from domain.backtest.period import Period
from domain.wording import iso
from tests.fakes.clock import FakeClock
from tests.fakes.make import UUID, alert, body, goal, rules, unmet
from tests.fakes.sqs import batch
from tests.integration.aws import TABLE, Aws
from tests.integration.socket_server import RawServer
from tests.integration.workers import (
    API,
    KEY,
    PREFIX,
    Vendor,
    backtest_worker,
    context,
    discovery_worker,
    evaluation_worker,
    notification_worker,
)
from tests.unit.template.permissions import TABLE_READS, writable_keys
from tests.unit.template.reading import Template

TEMPLATE = Template.read(Path(__file__).parents[2] / "template.yaml")


@pytest.fixture(autouse=True)
def _key(aws: Aws) -> None:
    aws.put_parameter(f"{PREFIX}/api-key", KEY)


def written(aws: Aws) -> tuple[set[str], set[str]]:
    """The IAM actions of all writes so far, and the partition keys of what was written."""
    actions, keys = set(), set()
    for name, asked in zip(aws.calls.names, aws.calls.parameters, strict=True):
        action = name.replace(".", ":")
        if action.startswith("dynamodb:") and action not in TABLE_READS:
            together = [request["PutRequest"]["Item"] for request in asked.get("RequestItems", {}).get(TABLE, [])]
            actions.add(action)
            keys |= {item["pk"]["S"] for item in together or [asked.get("Item") or asked["Key"]]}
    return actions, keys


def allowed(function: str, keys: set[str]) -> tuple[set[str], set[str]]:
    """The writes that the function's role allows, as `written` has them. A pattern is replaced by those of the `keys`
    that it matches; a pattern that matches none is left."""
    role = TEMPLATE.arn_of(TEMPLATE.functions[function]["Role"]) or ""
    [statement] = [each for each in TEMPLATE.statements_of(role) if writable_keys(each)]
    actions = statement["Action"]
    patterns = writable_keys(statement) or set()
    matched = [{key for key in keys if fnmatchcase(key, pattern)} or {pattern} for pattern in patterns]
    return {actions} if isinstance(actions, str) else set(actions), set().union(*matched)


def test_evaluation_writes_what_its_role_allows(aws: Aws, vendor: Vendor, clock: FakeClock) -> None:
    """A recording with an alert, found by its UUID, and one that waits."""
    vendor.says(UUID, body(7, goal()))
    vendor.fails(8)
    evaluation_worker(aws, clock).handle(batch({"recording_id": UUID}, {"recording_id": 8}), context())
    actions, keys = written(aws)
    assert (actions, keys) == allowed("EvaluationFunction", keys)


def test_the_notifier_writes_what_its_role_allows(aws: Aws, server: RawServer, clock: FakeClock) -> None:
    aws.put_parameter(f"{PREFIX}/slack-webhook-url", f"{server.url}/services/T/B/secret")
    notification_worker(aws, clock).handle(batch(alert(unmet()).model_dump_json()), context())
    actions, keys = written(aws)
    assert (actions, keys) == allowed("SlackFunction", keys)


def test_discovery_writes_what_its_role_allows(aws: Aws, vendor: Vendor, clock: FakeClock) -> None:
    listed = {"id": 123, "status": "completed", "created_at": iso(clock())}
    vendor.mock.get(f"{API}/recordings", json={"data": [listed], "meta": {"total_pages": 1}})
    assert discovery_worker(aws, clock).handle({}, context())["discovered"] == 1
    actions, keys = written(aws)
    assert (actions, keys) == allowed("DiscoveryFunction", keys)


def test_a_backtest_writes_what_its_role_allows(aws: Aws, clock: FakeClock) -> None:
    """`ica` stores the backtest, with the operator's own permissions."""
    table = BacktestTable(aws.dynamodb, TABLE, clock)
    table.create("b", StoredBacktest(rules(), rules(), Period(0, 1), 1, answered=False))
    aws.calls.names.clear()
    aws.calls.parameters.clear()
    backtest_worker(aws, clock).handle({"backtest": "b", "segment": 0})
    actions, keys = written(aws)
    assert (actions, keys) == allowed("BacktestFunction", keys)
