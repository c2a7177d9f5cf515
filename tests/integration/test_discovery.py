"""The discovery function as it is wired, against an AWS account and the vendor's list."""

import json
from array import array
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import responses
from aws_lambda_powertools.utilities.typing import LambdaContext
from responses import matchers

from adapters.identitycall.client import API_KEY
from handlers import discover_recordings
from tests.fakes.clock import FakeClock
from tests.integration.conftest import TABLE, Aws
from tests.integration.workers import API, context, discovery_worker
from tests.integration.workers import PREFIX as ACCOUNT_PREFIX

BASE = "https://api.identitycall.test/api/v1/public"
PREFIX = "/identitycall-alerts"
KEY = "idc_" + "aB3" * 10 + "xY"
LIST = f"{BASE}/recordings"


@pytest.fixture(autouse=True)
def function(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A function that has just been started, in a deployment that has been there for a day."""
    environment = {
        "PARAMETER_PREFIX": PREFIX,
        "IDENTITYCALL_BASE_URL": BASE,
        "REQUESTS_PER_MINUTE": "60",
        "OUTCOME_TABLE_NAME": TABLE,
        "OUTCOME_RETENTION_DAYS": "365",
        "EVENT_QUEUE_URL": aws.queue_url,
        "DISCOVERY_LOOKBACK_HOURS": "24",
        "POWERTOOLS_METRICS_NAMESPACE": "IdentityCallAlerts",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    aws.put_parameter(f"{PREFIX}/{API_KEY}", KEY)
    discover_recordings.worker.cache_clear()
    yield
    discover_recordings.worker.cache_clear()


@pytest.fixture
def vendor() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock() as mock:
        yield mock


def item(recording: object, age: timedelta = timedelta(minutes=1)) -> dict[str, Any]:
    created = datetime.now(UTC) - age
    return {"id": recording, "name": "Dana Whitfield", "status": "completed", "created_at": created.isoformat()}


def listed(vendor: responses.RequestsMock, *items: Any, page: int = 1, total_pages: int = 1) -> None:
    vendor.get(
        LIST,
        json={"data": items, "meta": {"current_page": page, "total_pages": total_pages, "per_page": 100}},
        match=[matchers.query_param_matcher({"status": "completed", "page": page, "per_page": 100})],
    )


class Context(LambdaContext):
    @staticmethod
    def get_remaining_time_in_millis() -> int:
        return 30_000


def run(event: Any = None) -> dict[str, Any]:
    return discover_recordings.lambda_handler(event or {}, Context())


def bodies(aws: Aws) -> list[dict[str, Any]]:
    return [json.loads(message["Body"]) for message in aws.messages(aws.queue_url)]


def test_a_new_recording_becomes_one_event(aws: Aws, vendor: responses.RequestsMock) -> None:
    listed(vendor, item(123), item("124"), item("01938C5E-7A10-7000-8000-000000000125"))
    answers = [run(), run()]
    assert [answer["discovered"] for answer in answers] == [3, 0]
    assert bodies(aws) == [
        {"recording_id": 123, "source": "discovery"},
        {"recording_id": 124, "source": "discovery"},
        {"recording_id": "01938c5e-7a10-7000-8000-000000000125", "source": "discovery"},
    ]


def test_a_run_that_finds_nothing_makes_few_calls(aws: Aws, vendor: responses.RequestsMock) -> None:
    listed(vendor, *(item(number, timedelta(days=2)) for number in range(1, 101)))
    run()
    aws.calls.clear()
    run()
    assert aws.calls.names == [
        "dynamodb.GetItem",  # the state
        "dynamodb.GetItem",  # the request budget
        "dynamodb.PutItem",
        "dynamodb.PutItem",  # the state
    ]


def test_the_key_is_sent_and_only_it_is_read(aws: Aws, vendor: responses.RequestsMock) -> None:
    listed(vendor)
    run()
    assert vendor.calls[0].request.headers["Authorization"] == f"Bearer {KEY}"
    assert aws.calls.of("ssm.GetParameters") == [{"Names": [f"{PREFIX}/{API_KEY}"], "WithDecryption": True}]


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (400, "unusable_results"),
        (401, "unauthorized"),
        (403, "forbidden"),
        (404, "unusable_results"),
        (422, "unusable_results"),
        (429, "throttled"),
        (302, "upstream_down"),
        (500, "upstream_down"),
        (503, "upstream_down"),
    ],
)
def test_every_answer_of_the_vendor_has_its_reason(vendor: responses.RequestsMock, status: int, reason: str) -> None:
    vendor.get(LIST, json={"error": "no"}, status=status)
    answer = run()
    assert (answer["result"], answer["reason"]) == ("stopped_early", reason)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"<html>", "upstream_down"),
        (b'{"data": [', "upstream_down"),
        (b"[]", "unusable_results"),
        (b'{"data": []}', "unusable_results"),
        (b'{"data": [{}, {}], "meta": {"total_pages": 1}}', "unusable_results"),
    ],
)
def test_a_body_that_is_no_list_is_said(vendor: responses.RequestsMock, body: bytes, reason: str) -> None:
    vendor.get(LIST, body=body)
    assert run()["reason"] == reason


def test_a_page_beyond_the_end_may_be_404(aws: Aws, vendor: responses.RequestsMock) -> None:
    """Oldest first, and there have become fewer: the page that was the last is gone."""
    for page in (1, 2, 3):
        listed(vendor, item(page, timedelta(days=4 - page)), page=page, total_pages=3)
    run()
    vendor.reset()
    listed(vendor, item(1, timedelta(days=3)), page=1, total_pages=2)
    listed(vendor, item(2, timedelta(days=2)), item(9), page=2, total_pages=2)
    vendor.get(LIST, status=404, match=[matchers.query_param_matcher({"page": 3}, strict_match=False)])
    assert run()["discovered"] == 1
    assert bodies(aws)[-1] == {"recording_id": 9, "source": "discovery"}


def test_a_429_holds_the_requests_of_all_until_then(aws: Aws, vendor: responses.RequestsMock) -> None:
    vendor.get(LIST, status=429, headers={"Retry-After": "120"})
    run()
    held_until_ms = int(aws.item("BUDGET", "REQUESTS")["held_until_ms"]["N"])
    assert held_until_ms > datetime.now(UTC).timestamp() * 1_000 + 100_000
    assert run()["reason"] == "budget"


def test_without_a_key_the_first_start_is_remembered_all_the_same(aws: Aws) -> None:
    aws.ssm.delete_parameter(Name=f"{PREFIX}/{API_KEY}")
    assert run()["reason"] == "no_api_key"
    assert "started_ms" in aws.item("DISCOVERY", "STATE")


def test_no_person_s_name_is_logged(vendor: responses.RequestsMock, caplog: pytest.LogCaptureFixture) -> None:
    listed(vendor, item(123), item("Dana Whitfield"), item(None))
    run()
    assert caplog.records
    assert not [record for record in caplog.records if "Dana" in str(vars(record))]


@pytest.mark.parametrize("slow_ms", [50, 2_500, 7_000])
def test_a_slow_parameter_store_makes_no_request_late(
    aws: Aws, clock: FakeClock, vendor: responses.RequestsMock, monkeypatch: pytest.MonkeyPatch, slow_ms: int
) -> None:
    """A request that leaves over a second after its slot may be one too many in 60 seconds."""
    read, late_ms = aws.ssm.get_parameters, list[int]()

    def slow(**names: Any) -> Any:
        clock.advance(slow_ms)
        return read(**names)

    def answer(request: Any) -> tuple[int, dict[str, str], str]:
        slots = array("q")
        slots.frombytes(aws.item("BUDGET", "REQUESTS")["slots"]["B"])
        late_ms.append(clock() - slots[-1])
        return 200, {}, json.dumps({"data": [], "meta": {"total_pages": 1}})

    monkeypatch.setattr(aws.ssm, "get_parameters", slow)
    vendor.add_callback("GET", f"{API}/recordings", callback=answer)
    aws.put_parameter(f"{ACCOUNT_PREFIX}/{API_KEY}", KEY)
    worker = discovery_worker(aws, clock)
    for _ in range(2):
        worker.handle({}, context())
        clock.advance(300_000)
    assert late_ms == [0, 0]
