"""Pages of the vendor's list, read from the answers of its API."""

from typing import Any

import pytest

from domain.discovery.recording_list import ListedRecording, RecordingPage, read_page
from domain.errors import Unusable
from tests.fakes.clock import NOON_MS
from tests.fakes.make import UUID

NOON = "2026-11-23T12:00:00Z"
META = {"current_page": 2, "total_pages": 7, "total_count": 700, "per_page": 100}


def item(**fields: Any) -> dict[str, Any]:
    return {"id": 123, "name": "A call", "status": "completed", "duration_ms": 1, "created_at": NOON} | fields


def page_of(*items: Any) -> RecordingPage:
    return read_page({"data": list(items), "meta": META}, 2)


def test_a_page_is_read_with_its_number_and_how_many_there_are() -> None:
    assert page_of(item(), item(id=UUID.upper(), created_at="2026-11-23T13:00:00.500+01:00")) == RecordingPage(
        2, 7, (ListedRecording(123, NOON_MS), ListedRecording(UUID, NOON_MS + 500)), total_count=700
    )


def test_an_empty_page_is_read() -> None:
    assert read_page({"data": [], "meta": {"total_pages": 0}}, 1) == RecordingPage(1, 0)


def test_a_recording_of_another_status_is_not_completed() -> None:
    page = page_of(item(status="processing"), item(id=5))
    assert [listed.completed for listed in page.recordings] == [False, True]


@pytest.mark.parametrize(
    "broken",
    [{}, None, "123", item(id="../1"), item(id=0), item(id=True), item(id=None), {"created_at": NOON}],
)
def test_an_item_without_an_id_is_counted_and_the_others_are_read(broken: Any) -> None:
    page = page_of(item(id=1), broken, item(id=2))
    assert [listed.recording for listed in page.recordings] == [1, 2]
    assert page.malformed == 1


@pytest.mark.parametrize(
    "created",
    [None, 1_795_435_200, "yesterday", "2026-11-23T12:00:00"],  # the last has no zone: it could be half a day off
)
def test_an_item_without_a_readable_time_is_read_without_it(created: object) -> None:
    page = page_of(item(id=1), item(id=9, created_at=created))
    assert page.recordings == (ListedRecording(1, NOON_MS), ListedRecording(9, None))
    assert page.malformed == 0


def test_a_lone_item_without_a_time_or_an_id_is_no_reason_to_stop() -> None:
    assert page_of(item(created_at="soon")).recordings == (ListedRecording(123, None),)
    assert page_of(item(id=None)).malformed == 1


@pytest.mark.parametrize("broken", [{"created_at": "soon"}, {"id": None}])
def test_several_items_none_with_id_and_time_are_no_list(broken: dict[str, Any]) -> None:
    with pytest.raises(Unusable, match="None of the 2 items on page 2"):
        page_of(item(**broken), item(**broken))


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        "data",
        {},
        {"data": []},
        {"data": [], "meta": {}},
        {"data": [], "meta": {"total_pages": "7"}},
        {"data": [], "meta": {"total_pages": -1}},
        {"data": [], "meta": {"total_pages": 1.5}},
        {"data": {}, "meta": META},
        {"data": None, "meta": META},
    ],
)
def test_a_body_of_another_shape_is_not_a_list(body: Any) -> None:
    with pytest.raises(Unusable, match="wrong shape"):
        read_page(body, 1)


def test_no_name_and_no_value_is_repeated_in_an_error() -> None:
    with pytest.raises(Unusable) as refused:
        page_of(item(name="Dana Whitfield", created_at="Dana"), item(name="Dana", created_at="Dana"))
    assert "Dana" not in str(refused.value)
