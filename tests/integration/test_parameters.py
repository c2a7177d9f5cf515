"""The operator's entries in Parameter Store: read by name, kept for a minute, and bridged over an outage."""

import json
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from adapters.parameters import KEPT_MS, Parameters
from adapters.rule_book import StoredRules
from domain.errors import RulesInvalid
from domain.rules.document import default_rules
from tests.fakes.clock import FakeClock
from tests.integration.aws import Aws

if TYPE_CHECKING:
    from mypy_boto3_ssm import SSMClient

PREFIX = "/alerts"
ONE_RULE = {"version": 1, "rules": [{"id": "r", "when": "goal_unmet", "severity": "info"}]}


class Store:
    """The entries of one function, read from the account."""

    def __init__(self, aws: Aws, clock: FakeClock) -> None:
        self.aws, self.clock = aws, clock
        self.outages: list[Exception] = []
        self.parameters = Parameters(aws.ssm, PREFIX, ["api-key", "rules"], clock, self.outages.append)

    def reads(self) -> int:
        return self.aws.calls.names.count("ssm.GetParameters")


@pytest.fixture
def store(aws: Aws, clock: FakeClock) -> Store:
    return Store(aws, clock)


def test_secrets_are_read_decrypted_by_their_names(store: Store) -> None:
    store.aws.put_parameter(f"{PREFIX}/api-key", "idc_secret")
    assert store.parameters["api-key"] == "idc_secret"
    [asked] = store.aws.calls.of("ssm.GetParameters")
    assert asked == {"Names": [f"{PREFIX}/api-key", f"{PREFIX}/rules"], "WithDecryption": True}


def test_all_entries_are_one_read_a_minute_and_a_change_needs_no_deploy(store: Store) -> None:
    store.aws.put_parameter(f"{PREFIX}/api-key", "old")
    assert (store.parameters["api-key"], store.parameters["rules"]) == ("old", None)
    store.aws.put_parameter(f"{PREFIX}/api-key", "new")
    store.clock.advance(KEPT_MS - 1)
    assert (store.parameters["api-key"], store.reads()) == ("old", 1)
    store.clock.advance(1)
    assert (store.parameters["api-key"], store.reads()) == ("new", 2)


OUTAGES = [
    EndpointConnectionError(endpoint_url="https://ssm"),
    ClientError({"Error": {"Code": "ThrottlingException", "Message": "Rate exceeded"}}, "GetParameters"),
]


class Failing:
    """A client that fails while it is told to."""

    def __init__(self, ssm: "SSMClient") -> None:
        self._ssm = ssm
        self.error: Exception | None = None
        self.calls = 0

    def get_parameters(self, **asked: Any) -> Any:
        self.calls += 1
        if self.error:
            raise self.error
        return self._ssm.get_parameters(**asked)


@pytest.mark.parametrize("outage", OUTAGES, ids=lambda error: type(error).__name__)
def test_known_entries_outlive_an_outage_which_is_told_once_a_minute(store: Store, outage: Exception) -> None:
    store.aws.put_parameter(f"{PREFIX}/api-key", "key")
    ssm = Failing(store.aws.ssm)
    parameters = Parameters(ssm, PREFIX, ["api-key"], store.clock, store.outages.append)  # type: ignore[arg-type]
    ssm.error = outage
    with pytest.raises(type(outage)):  # nothing was ever read
        parameters["api-key"]
    assert store.outages == []
    ssm.error = None
    assert parameters["api-key"] == "key"
    ssm.error, ssm.calls = outage, 0
    store.clock.advance(KEPT_MS)
    assert [parameters["api-key"] for _ in range(3)] == ["key"] * 3
    assert (store.outages, ssm.calls) == ([outage], 1)
    ssm.error = None
    store.aws.put_parameter(f"{PREFIX}/api-key", "new")
    store.clock.advance(KEPT_MS)
    assert parameters["api-key"] == "new"


class TestStoredRules:
    @pytest.mark.parametrize("stored", [None, " \n "])
    def test_while_none_are_stored_the_default_rules_hold(self, store: Store, stored: str | None) -> None:
        if stored:
            store.aws.put_parameter(f"{PREFIX}/rules", stored)
        assert StoredRules(store.parameters, max_pause_ms=4_000)() == default_rules(4_000)

    def test_stored_ones_replace_them_and_a_change_holds_within_a_minute(self, store: Store) -> None:
        rules = StoredRules(store.parameters, max_pause_ms=4_000)
        assert len(rules().rules) == 2
        store.aws.put_parameter(f"{PREFIX}/rules", json.dumps(ONE_RULE))
        store.clock.advance(KEPT_MS)
        assert [rule.id for rule in rules().rules] == ["r"]

    def test_one_text_is_parsed_once(self, store: Store) -> None:
        store.aws.put_parameter(f"{PREFIX}/rules", json.dumps(ONE_RULE))
        rules = StoredRules(store.parameters, max_pause_ms=4_000)
        first = rules()
        store.clock.advance(KEPT_MS)
        assert rules() is first

    @pytest.mark.parametrize("stored", ["{", "[]", json.dumps(ONE_RULE | {"version": 2})])
    def test_invalid_ones_are_refused_every_time_and_nothing_else_is_used(self, store: Store, stored: str) -> None:
        store.aws.put_parameter(f"{PREFIX}/rules", stored)
        rules = StoredRules(store.parameters, max_pause_ms=4_000)
        for _ in range(2):
            with pytest.raises(RulesInvalid):
                rules()
