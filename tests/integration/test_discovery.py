"""The discovery function on an AWS account and the vendor's list."""

import json
from array import array
from datetime import timedelta
from typing import Any

import pytest
from responses import matchers

from adapters.identitycall.client import API_KEY
from domain.wording import iso
from tests.fakes.clock import NOON_MS, FakeClock
from tests.integration.aws import Aws
from tests.integration.workers import API, KEY, PREFIX, Vendor, context, discovery_worker

LIST = f"{API}/recordings"
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


class Discovery:
    """The function, and the list that the vendor shows it."""

    def __init__(self, aws: Aws, vendor: Vendor, clock: FakeClock) -> None:
        self.aws, self.clock, self.mock = aws, clock, vendor.mock
        aws.put_parameter(f"{PREFIX}/{API_KEY}", KEY)
        self.worker = discovery_worker(aws, clock)

    def lists(self, *items: Any, page: int = 1, total_pages: int = 1) -> None:
        """From now on the vendor's list has this page."""
        self.mock.get(
            LIST,
            json={"data": items, "meta": {"current_page": page, "total_pages": total_pages, "per_page": 100}},
            match=[matchers.query_param_matcher({"status": "completed", "page": page, "per_page": 100})],
        )

    def run(self, after_ms: int = 300_000) -> dict[str, Any]:
        self.clock.advance(after_ms)
        return self.worker.handle({}, context())

    def queued(self) -> list[dict[str, Any]]:
        return [json.loads(message["Body"]) for message in self.aws.messages(self.aws.queue_url)]


@pytest.fixture
def discovery(aws: Aws, vendor: Vendor, clock: FakeClock) -> Discovery:
    return Discovery(aws, vendor, clock)


def item(recording: object, age: timedelta = MINUTE) -> dict[str, Any]:
    created = iso(NOON_MS - int(age.total_seconds() * 1_000))
    return {"id": recording, "name": "Dana Whitfield", "status": "completed", "created_at": created}


def test_a_new_recording_becomes_one_event(discovery: Discovery) -> None:
    discovery.lists(item(123), item("124"), item("01938C5E-7A10-7000-8000-000000000125"))
    assert [discovery.run()["discovered"], discovery.run()["discovered"]] == [3, 0]
    assert discovery.queued() == [
        {"recording_id": 123, "source": "discovery"},
        {"recording_id": 124, "source": "discovery"},
        {"recording_id": "01938c5e-7a10-7000-8000-000000000125", "source": "discovery"},
    ]


def test_a_run_that_finds_nothing_makes_few_calls(discovery: Discovery) -> None:
    discovery.lists(*(item(number, 2 * DAY) for number in range(1, 101)))
    discovery.run()
    discovery.aws.calls.clear()
    discovery.run(after_ms=0)
    assert discovery.aws.calls.names == [
        "dynamodb.GetItem",  # the state
        "dynamodb.GetItem",  # the request budget
        "dynamodb.PutItem",
        "dynamodb.PutItem",  # the state
    ]


def test_the_key_is_sent_and_only_it_is_read(discovery: Discovery) -> None:
    discovery.lists()
    discovery.run()
    assert discovery.mock.calls[0].request.headers["Authorization"] == f"Bearer {KEY}"
    assert discovery.aws.calls.of("ssm.GetParameters") == [{"Names": [f"{PREFIX}/{API_KEY}"], "WithDecryption": True}]


ANSWERS = [
    *((status, b"", "unusable_results") for status in (400, 404, 422)),
    *((status, b"", "upstream_down") for status in (302, 500, 503)),
    *((401, b"", "unauthorized"), (403, b"", "forbidden"), (429, b"", "throttled")),
    *((200, body, "upstream_down") for body in (b"<html>", b'{"data": [')),
    *((200, body, "unusable_results") for body in (b"[]", b'{"data": [{}, {}], "meta": {"total_pages": 1}}')),
]


@pytest.mark.parametrize(("status", "body", "reason"), ANSWERS)
def test_every_answer_that_is_no_list_has_its_reason(
    discovery: Discovery, status: int, body: bytes, reason: str
) -> None:
    discovery.mock.get(LIST, body=body, status=status)
    answer = discovery.run()
    assert (answer["result"], answer["reason"]) == ("stopped_early", reason)


def test_a_page_beyond_the_end_may_be_404(discovery: Discovery) -> None:
    """Oldest first, and there have become fewer: the page that was the last is gone."""
    for page in (1, 2, 3):
        discovery.lists(item(page, (4 - page) * DAY), page=page, total_pages=3)
    discovery.run()
    discovery.mock.reset()
    discovery.lists(item(1, 3 * DAY), page=1, total_pages=2)
    discovery.lists(item(2, 2 * DAY), item(9), page=2, total_pages=2)
    discovery.mock.get(LIST, status=404, match=[matchers.query_param_matcher({"page": 3}, strict_match=False)])
    assert discovery.run()["discovered"] == 1
    assert discovery.queued()[-1] == {"recording_id": 9, "source": "discovery"}


def test_a_429_holds_the_requests_of_all_until_then(discovery: Discovery) -> None:
    discovery.mock.get(LIST, status=429, headers={"Retry-After": "1200"})
    discovery.run()
    held_until_ms = int(discovery.aws.item("BUDGET", "REQUESTS")["held_until_ms"]["N"])
    assert held_until_ms >= discovery.clock() + 1_200_000
    assert discovery.run()["reason"] == "budget"


def test_without_a_key_the_first_start_is_remembered_all_the_same(discovery: Discovery) -> None:
    discovery.aws.ssm.delete_parameter(Name=f"{PREFIX}/{API_KEY}")
    assert discovery.run()["reason"] == "no_api_key"
    assert "started_ms" in discovery.aws.item("DISCOVERY", "STATE")


def test_no_person_s_name_is_logged(discovery: Discovery, caplog: pytest.LogCaptureFixture) -> None:
    discovery.lists(item(123), item("Dana Whitfield"), item(None))
    discovery.run()
    assert caplog.records
    assert not [record for record in caplog.records if "Dana" in str(vars(record))]


@pytest.mark.parametrize("slow_ms", [50, 2_500, 7_000])
def test_a_slow_parameter_store_makes_no_request_late(
    discovery: Discovery, monkeypatch: pytest.MonkeyPatch, slow_ms: int
) -> None:
    """A request that leaves over a second after its slot may be one too many in 60 seconds."""
    read, late_ms = discovery.aws.ssm.get_parameters, list[int]()

    def slow(**names: Any) -> Any:
        discovery.clock.advance(slow_ms)
        return read(**names)

    def answer(request: Any) -> tuple[int, dict[str, str], str]:
        slots = array("q")
        slots.frombytes(discovery.aws.item("BUDGET", "REQUESTS")["slots"]["B"])
        late_ms.append(discovery.clock() - slots[-1])
        return 200, {}, json.dumps({"data": [], "meta": {"total_pages": 1}})

    monkeypatch.setattr(discovery.aws.ssm, "get_parameters", slow)
    discovery.mock.add_callback("GET", LIST, callback=answer)
    for _ in range(2):
        discovery.run()
    assert late_ms == [0, 0]
