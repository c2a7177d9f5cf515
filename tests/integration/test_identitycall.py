"""Answers of the vendor's API: read and kept as they came, or refused without being shown."""

import json
import traceback
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import responses

from adapters.identitycall import client
from adapters.identitycall.client import CONNECT_TIMEOUT_S, MAX_BODY_BYTES, READ_TIMEOUT_S
from domain.errors import (
    Unavailable,
    Unusable,
)
from tests.fakes.make import UUID, body, goal, pause
from tests.integration.faked_api import BASE, KEY, SPOKEN, FakedApi


@pytest.fixture
def vendor() -> Iterator[FakedApi]:
    with responses.RequestsMock() as mock:
        yield FakedApi(mock)


class TestResults:
    def test_they_are_read_and_kept_as_they_came(self, vendor: FakedApi) -> None:
        data = body(123, goal(3, name="挨拶 👋"), pause()) | {"keywords": [{"keyword_id": 1}], "new": {"x": None}}
        vendor.answers(data)
        snapshot = vendor.results()
        assert (snapshot.results.recording_id, snapshot.results.goals[0].goal_name) == (123, "挨拶 👋")
        assert json.loads(snapshot.json) == data

    def test_the_request_is_as_the_vendor_documents_it(self, vendor: FakedApi) -> None:
        vendor.answers(body())
        vendor.results()
        [request] = vendor.calls
        assert (request.method, request.url) == ("GET", f"{BASE}/recordings/123/results")
        assert request.headers["Authorization"] == f"Bearer {KEY}"
        assert request.headers["Accept"] == "application/json"
        assert request.req_kwargs["timeout"] == (CONNECT_TIMEOUT_S, READ_TIMEOUT_S)
        assert request.req_kwargs["stream"] is True

    def test_a_uuid_is_asked_for_and_answered_with_the_number(self, vendor: FakedApi) -> None:
        vendor.answers(body(123), path=f"{UUID}/results")
        assert vendor.api.results(UUID).results.recording_id == 123

    def test_another_recordings_results_are_refused(self, vendor: FakedApi) -> None:
        vendor.answers(body(124))
        vendor.raises(Unusable, "Recording 123: the API answered with the results of 124")

    def test_stored_results_are_json_even_where_a_number_is_infinite(self, vendor: FakedApi) -> None:
        """`1e400` is JSON, and is read as infinite, which JSON cannot write."""
        vendor.answers(json.dumps({"data": body()}).replace('"goals"', '"confidence": 1e400, "goals"'))
        stored = json.loads(vendor.results().json, parse_constant=lambda word: pytest.fail(f"{word} is not JSON"))
        assert stored["goals"] == []


class TestDetails:
    def test_details_are_read(self, vendor: FakedApi) -> None:
        told = {"id": 123, "name": "Call", "status": "completed", "goals_evaluated": True, "x": 1}
        vendor.answers(told, path="123")
        found = vendor.api.details(123)
        assert (found.name, found.status, found.goals_evaluated, found.duration_ms) == ("Call", "completed", True, None)

    @pytest.mark.parametrize(
        ("told", "named"),
        [({"id": 124, "name": SPOKEN}, ""), ({"id": 123, "name": SPOKEN, "duration_ms": "long"}, ".* duration_ms")],
        ids=["another recording's", "wrong types"],
    )
    def test_details_that_cannot_be_read_are_refused_and_not_shown(
        self, vendor: FakedApi, told: dict[str, Any], named: str
    ) -> None:
        vendor.answers(told, path="123")
        with pytest.raises(Unusable, match=f"Recording 123: {named}") as refused:
            vendor.api.details(123)
        assert SPOKEN not in str(refused.value)


BODY = json.dumps({"data": body(123, goal(why=SPOKEN), pause())})
NOT_JSON = {
    "empty": "",
    "HTML": f"<html>{SPOKEN}</html>",
    "truncated": BODY[:-10],
    "two of them": BODY + BODY,
    "a byte order mark": "\ufeff" + BODY,
    "deeply nested": '{"data":' + "[" * 50_000 + "]" * 50_000 + "}",
    "not UTF-8": BODY.replace("Offer", "\udcff").encode("utf-8", "surrogateescape"),
    "half of a surrogate pair": BODY.replace("Offer", "\\ud83d"),
}
WRONG_SHAPE: dict[str, Any] = {
    "null": None,
    "text": SPOKEN,
    "no data": {"error": SPOKEN},
    "data as text": {"data": SPOKEN},
    "met as text": {"data": body(123, goal(why=SPOKEN) | {"met": SPOKEN})},
    "a score beyond numbers": {"data": body(123, goal(why=SPOKEN) | {"score": json.loads("1e400")})},
    "more faults than one wants to read": {"data": body(123, *(goal(why=SPOKEN) | {"met": 1} for _ in range(500)))},
}
"""`tests/unit/domain/test_recording.py` has many more."""


class TestBodies:
    @pytest.mark.parametrize("text", NOT_JSON.values(), ids=NOT_JSON)
    def test_a_body_that_is_not_json_is_transient(self, vendor: FakedApi, text: str | bytes) -> None:
        vendor.answers(text)
        vendor.raises(Unavailable, "Recording 123: the API's answer is not JSON")

    @pytest.mark.parametrize("content", WRONG_SHAPE.values(), ids=WRONG_SHAPE)
    def test_json_of_another_shape_is_unusable(self, vendor: FakedApi, content: Any) -> None:
        vendor.answers(json.dumps(content))
        assert len(str(vendor.raises(Unusable, "Recording 123: the API's answer has "))) < 500

    def test_the_first_faults_are_named_and_the_rest_counted(self, vendor: FakedApi) -> None:
        vendor.answers({"recording_id": 123, "goals": [{}] * 9, "pauses": [{}] * 9})
        vendor.raises(Unusable, r"goals\.0\.goal_id: .*; goals\.0\.met: [^;]*; and 5 more\.$")

    def test_the_objects_of_a_body_are_freed_with_its_error(self, vendor: FakedApi) -> None:
        """Ten such errors can wait to be settled at once."""
        vendor.answers({"recording_id": 123, "goals": [{}], "pauses": []})
        error = vendor.raises(Unusable)
        frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
        assert frames
        assert not [value for frame in frames for value in frame.f_locals.values() if isinstance(value, dict | list)]
        assert error.__context__ is None

    def test_one_body_is_parsed_at_a_time(self, vendor: FakedApi, monkeypatch: pytest.MonkeyPatch) -> None:
        locked: list[bool] = []

        def noted(parse: Callable[..., Any]) -> Callable[..., Any]:
            def note(*given: Any, **options: Any) -> Any:
                locked.append(vendor.api._parsing.locked())
                return parse(*given, **options)

            return note

        for name in ("from_json", "to_json", "_parsed"):
            monkeypatch.setattr(client, name, noted(getattr(client, name)))
        vendor.answers(body(123) | {"keywords": []})
        vendor.answers({"id": 123}, path="123")
        vendor.results()
        vendor.api.details(123)
        assert locked == [True] * 6
        assert not vendor.api._parsing.locked()

    def test_2_mb_are_taken_and_a_byte_more_is_unusable(self, vendor: FakedApi) -> None:
        empty = json.dumps({"data": body() | {"padding": ""}})
        for beyond in (0, 1):
            padding = "x" * (MAX_BODY_BYTES - len(empty) + beyond)
            vendor.answers(body() | {"padding": padding})
        assert len(vendor.results().json) > MAX_BODY_BYTES * 0.99
        vendor.raises(Unusable, "Recording 123: the API's answer is over 2 MB")
