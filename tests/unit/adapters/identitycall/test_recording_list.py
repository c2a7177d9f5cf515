"""Pages of the vendor's list, read from whatever its API answers."""

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
        2, 7, (ListedRecording(123, NOON_MS), ListedRecording(UUID, NOON_MS + 500))
    )


def test_an_empty_page_is_a_page() -> None:
    assert read_page({"data": [], "meta": META | {"total_pages": 0}}, 1) == RecordingPage(1, 0)


def test_a_recording_of_another_status_is_not_completed() -> None:
    page = page_of(item(status="processing"), item(id=5))
    assert [listed.completed for listed in page.recordings] == [False, True]


@pytest.mark.parametrize(
    ("broken", "told_as"),
    [
        ({}, None),
        (None, None),
        ("123", None),
        (item(id="../1"), None),
        (item(id=0), None),
        (item(id=True), None),
        (item(id=None), None),
        ({"created_at": NOON}, None),
        ({"id": 9}, 9),
        (item(id=9, created_at=None), 9),
        (item(id=9, created_at=1_795_435_200), 9),
        (item(id="9", created_at="yesterday"), 9),
        (item(id=9, created_at="2026-11-23T12:00:00"), 9),  # no zone: it could be half a day off
    ],
)
def test_an_item_that_cannot_be_read_is_set_aside_by_its_id_and_the_others_go_on(broken: Any, told_as: object) -> None:
    page = page_of(item(id=1), broken, item(id=2))
    assert [listed.recording for listed in page.recordings] == [1, 2]
    assert page.malformed == (told_as,)


def test_a_lone_item_that_cannot_be_read_is_no_reason_to_stop() -> None:
    assert page_of(item(created_at="soon")).malformed == (123,)


def test_several_items_of_which_none_can_be_read_are_no_list() -> None:
    with pytest.raises(Unusable, match="None of the 2 items on page 2"):
        page_of(item(created_at="soon"), item(created_at="later"))


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
def test_anything_else_is_no_list(body: Any) -> None:
    with pytest.raises(Unusable, match="wrong shape"):
        read_page(body, 1)


def test_no_name_and_no_value_is_repeated_in_an_error() -> None:
    with pytest.raises(Unusable) as refused:
        page_of(item(name="Dana Whitfield", created_at="Dana"), item(name="Dana", created_at="Dana"))
    assert "Dana" not in str(refused.value)
