"""The vendor's API, faked at the transport: every answer becomes a result or the error the design has for it."""

import json
import threading
import traceback
from collections.abc import Iterator
from typing import Any

import pytest
import requests
import responses

from adapters.identitycall.client import CONNECT_TIMEOUT_S, MAX_BODY_BYTES, READ_TIMEOUT_S, IdentityCallApi
from adapters.retry_after import CLOCKS_DIFFER_MS
from domain.errors import (
    AlertsError,
    KeyForbidden,
    KeyMissing,
    KeyRefused,
    NotAnalysed,
    NotFound,
    NotNow,
    Refused,
    Throttled,
    Unavailable,
    Unusable,
)
from tests.fakes.clock import NOON_MS, FakeClock
from tests.fakes.make import UUID, body, goal, pause
from tests.fakes.outside import FakeMeter
from tests.fakes.parameters import FixedParameters

BASE = "https://api.identitycall.test/api/v1/public"
KEY = "idc_" + "aB3" * 10 + "xY"
RESULTS = f"{BASE}/recordings/123/results"
DETAILS = f"{BASE}/recordings/123"
SPOKEN = "my card number is 4111"


@pytest.fixture
def parameters() -> FixedParameters:
    return FixedParameters(api_key=KEY)


@pytest.fixture
def meter() -> FakeMeter:
    return FakeMeter()


@pytest.fixture
def api(parameters: FixedParameters, meter: FakeMeter, clock: FakeClock) -> IdentityCallApi:
    return IdentityCallApi(f"{BASE}/", parameters, meter, clock, monotonic=lambda: 0.0)


@pytest.fixture
def vendor() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock() as mock:
        yield mock


def answered(vendor: responses.RequestsMock, data: Any, url: str = RESULTS) -> None:
    vendor.get(url, body=json.dumps({"data": data}))


class TestResults:
    def test_they_are_read_and_kept_as_they_came(self, api: IdentityCallApi, vendor: responses.RequestsMock) -> None:
        data = body(123, goal(3, name="挨拶 👋"), pause()) | {"keywords": [{"keyword_id": 1}], "new": {"x": None}}
        answered(vendor, data)
        snapshot = api.results(123)
        assert (snapshot.results.recording_id, snapshot.results.goals[0].goal_name) == (123, "挨拶 👋")
        assert json.loads(snapshot.json) == data

    def test_the_request_is_as_the_vendor_documents_it(
        self, api: IdentityCallApi, vendor: responses.RequestsMock
    ) -> None:
        answered(vendor, body())
        api.results(123)
        [call] = vendor.calls
        assert (call.request.method, call.request.url) == ("GET", RESULTS)
        assert call.request.headers["Authorization"] == f"Bearer {KEY}"
        assert call.request.headers["Accept"] == "application/json"
        options: dict[str, Any] = vars(call.request)["req_kwargs"]
        assert options["timeout"] == (CONNECT_TIMEOUT_S, READ_TIMEOUT_S)
        assert options["stream"] is True

    def test_a_uuid_is_asked_for_and_answered_with_the_number(
        self, api: IdentityCallApi, vendor: responses.RequestsMock
    ) -> None:
        answered(vendor, body(123), f"{BASE}/recordings/{UUID}/results")
        assert api.results(UUID).results.recording_id == 123

    def test_another_recordings_results_are_refused(self, api: IdentityCallApi, vendor: responses.RequestsMock) -> None:
        answered(vendor, body(124))
        with pytest.raises(Unusable, match="Recording 123: the API answered with the results of 124"):
            api.results(123)

    def test_the_same_body_has_the_same_digest_and_another_has_another(
        self, api: IdentityCallApi, vendor: responses.RequestsMock
    ) -> None:
        for data in (body(123, goal()), body(123, goal()), body(123, goal(score=0.31))):
            answered(vendor, data)
        first, second, third = (api.results(123).digest for _ in range(3))
        assert first == second != third

    def test_what_no_json_can_hold_is_not_stored_as_if_it_could(
        self, api: IdentityCallApi, vendor: responses.RequestsMock
    ) -> None:
        """`1e400` is JSON; read as a number it is infinite, and written again it would not be JSON any more."""
        vendor.get(RESULTS, body=json.dumps({"data": body()}).replace('"goals"', '"confidence": 1e400, "goals"'))
        stored = json.loads(api.results(123).json, parse_constant=lambda word: pytest.fail(f"{word} is not JSON"))
        assert stored["goals"] == []


class TestDetails:
    def test_they_are_read(self, api: IdentityCallApi, vendor: responses.RequestsMock) -> None:
        answered(vendor, {"id": 123, "name": "Call", "status": "completed", "goals_evaluated": True, "x": 1}, DETAILS)
        found = api.details(123)
        assert (found.name, found.status, found.goals_evaluated, found.duration_ms) == ("Call", "completed", True, None)

    def test_another_recordings_details_are_refused(self, api: IdentityCallApi, vendor: responses.RequestsMock) -> None:
        answered(vendor, {"id": 124, "name": "Somebody else's call"}, DETAILS)
        with pytest.raises(Unusable, match="Recording 123") as refused:
            api.details(123)
        assert "Somebody" not in str(refused.value)

    def test_wrong_types_are_refused(self, api: IdentityCallApi, vendor: responses.RequestsMock) -> None:
        answered(vendor, {"id": 123, "name": SPOKEN, "duration_ms": "long"}, DETAILS)
        with pytest.raises(Unusable, match=r"Recording 123: .* duration_ms") as refused:
            api.details(123)
        assert SPOKEN not in str(refused.value)


STATUSES: list[tuple[int, type[AlertsError]]] = [
    (400, Refused),
    (401, KeyRefused),
    (403, KeyForbidden),
    (404, NotFound),
    (422, NotAnalysed),
    (429, Throttled),
    *((status, Unavailable) for status in (201, 204, 206, 301, 302, 303, 307, 308, 304, 402, 405, 408, 410, 418)),
    *((status, Unavailable) for status in (500, 501, 502, 503, 504, 520, 599)),
]


class TestStatuses:
    @pytest.mark.parametrize(("status", "kind"), STATUSES)
    def test_each_is_its_error_and_names_the_recording(
        self, api: IdentityCallApi, vendor: responses.RequestsMock, status: int, kind: type[AlertsError]
    ) -> None:
        vendor.get(RESULTS, status=status, json={"error": SPOKEN}, headers={"Location": "https://evil.test/"})
        with pytest.raises(AlertsError) as raised:
            api.results(123)
        assert type(raised.value) is kind
        assert str(raised.value).startswith("Recording 123: ")
        assert str(status) in str(raised.value)
        assert SPOKEN not in str(raised.value)
        assert len(vendor.calls) == 1  # no redirect is followed, nothing is tried again

    def test_a_400_is_a_dead_letter_with_a_word(self, api: IdentityCallApi, vendor: responses.RequestsMock) -> None:
        vendor.get(RESULTS, status=400)
        with pytest.raises(Refused) as refused:
            api.results(123)
        assert refused.value.word == "bad_request"

    @pytest.mark.parametrize("status", [429, 500, 503])
    @pytest.mark.parametrize(
        ("value", "at_ms"), [("30", NOON_MS + 30_000 + CLOCKS_DIFFER_MS), ("whenever", None), (None, None)]
    )
    def test_a_pause_asked_for_is_passed_on(
        self, api: IdentityCallApi, vendor: responses.RequestsMock, status: int, value: str | None, at_ms: int | None
    ) -> None:
        vendor.get(RESULTS, status=status, headers={"retry-after": value} if value else {})
        with pytest.raises(NotNow) as raised:
            api.results(123)
        assert raised.value.retry_at_ms == at_ms

    def test_requests_are_counted_by_status(
        self, api: IdentityCallApi, vendor: responses.RequestsMock, meter: FakeMeter
    ) -> None:
        answered(vendor, body())
        vendor.get(RESULTS, status=429)
        vendor.get(RESULTS, body=requests.ConnectionError())
        api.results(123)
        for _ in range(2):
            with pytest.raises(NotNow):
                api.results(123)
        assert meter.totals == {
            ("ApiRequests", (("status", "200"),)): 1,
            ("ApiRequests", (("status", "429"),)): 1,
            ("ApiRequests", (("status", "no_answer"),)): 1,
        }


class TestNoAnswer:
    @pytest.mark.parametrize(
        "error",
        [
            requests.ConnectTimeout(),
            requests.ReadTimeout(),
            requests.ConnectionError(),
            requests.exceptions.SSLError(),
            requests.exceptions.ChunkedEncodingError(),
            requests.exceptions.ContentDecodingError(),
            requests.exceptions.InvalidHeader(),
            requests.TooManyRedirects(),
        ],
        ids=lambda error: type(error).__name__,
    )
    def test_it_is_a_passing_obstacle_that_names_the_recording(
        self, api: IdentityCallApi, vendor: responses.RequestsMock, error: Exception
    ) -> None:
        vendor.get(RESULTS, body=error)
        with pytest.raises(Unavailable, match=rf"Recording 123: no answer from the API \({type(error).__name__}\)"):
            api.results(123)


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
    "a list": [1],
    "text": SPOKEN,
    "a number": 7,
    "no data": {"error": SPOKEN},
    "data null": {"data": None},
    "data as text": {"data": SPOKEN},
    "data as a list": {"data": [body()]},
    "no goals": {"data": {"recording_id": 123, "pauses": []}},
    "met as text": {"data": body(123, goal(why=SPOKEN) | {"met": SPOKEN})},
    "a score beyond numbers": {"data": body(123, goal(why=SPOKEN) | {"score": json.loads("1e400")})},
    "a duration that is no number": {"data": body(123, pause() | {"duration_ms": float("nan")})},
    "recording_id as text": {"data": body() | {"recording_id": "123"}},
    "more faults than one wants to read": {"data": body(123, *(goal(why=SPOKEN) | {"met": 1} for _ in range(500)))},
}


class TestBodies:
    @pytest.mark.parametrize("text", NOT_JSON.values(), ids=NOT_JSON)
    def test_what_is_not_json_may_come_right_later(
        self, api: IdentityCallApi, vendor: responses.RequestsMock, text: str | bytes
    ) -> None:
        vendor.get(RESULTS, body=text)
        with pytest.raises(Unavailable, match="Recording 123: the API's answer is not JSON") as raised:
            api.results(123)
        assert SPOKEN not in "".join(traceback.format_exception(raised.value))

    @pytest.mark.parametrize("content", WRONG_SHAPE.values(), ids=WRONG_SHAPE)
    def test_json_of_another_shape_is_unusable_and_never_repeated(
        self, api: IdentityCallApi, vendor: responses.RequestsMock, content: Any
    ) -> None:
        vendor.get(RESULTS, body=json.dumps(content))
        with pytest.raises(Unusable, match="Recording 123: the API's answer has ") as raised:
            api.results(123)
        assert len(str(raised.value)) < 500
        assert SPOKEN not in "".join(traceback.format_exception(raised.value))

    def test_the_first_faults_are_named_and_the_rest_counted(
        self, api: IdentityCallApi, vendor: responses.RequestsMock
    ) -> None:
        answered(vendor, body(123, *(goal() | {"met": 1} for _ in range(9))))
        with pytest.raises(Unusable, match=r"goals\.0\.met: .*; goals\.2\.met: [^;]*; and 6 more\.$"):
            api.results(123)

    @pytest.mark.parametrize(("beyond", "taken"), [(0, True), (1, False)])
    def test_over_5_mb_is_unusable(
        self, api: IdentityCallApi, vendor: responses.RequestsMock, beyond: int, taken: bool
    ) -> None:
        text = json.dumps({"data": body() | {"padding": ""}})
        text = text.replace('"padding": ""', '"padding": "' + "x" * (MAX_BODY_BYTES - len(text) + beyond) + '"')
        vendor.get(RESULTS, body=text)
        if taken:
            assert len(api.results(123).json) > MAX_BODY_BYTES * 0.99
        else:
            with pytest.raises(Unusable, match="Recording 123: the API's answer is over 5 MB"):
                api.results(123)

    def test_10_000_pauses_are_read(self, api: IdentityCallApi, vendor: responses.RequestsMock) -> None:
        answered(vendor, body(123, *(pause(start_ms=number) for number in range(10_000))))
        assert len(api.results(123).results.pauses) == 10_000


class TestKey:
    @pytest.mark.parametrize("stored", [None, "", " \n"])
    def test_none_stored_asks_nobody(
        self, api: IdentityCallApi, parameters: FixedParameters, stored: str | None
    ) -> None:
        parameters.stored = {} if stored is None else {"api-key": stored}
        with responses.RequestsMock() as vendor, pytest.raises(KeyMissing):
            api.results(123)
        assert len(vendor.calls) == 0

    @pytest.mark.parametrize(
        "stored", ["hunter2", KEY[:-1], KEY + "x", KEY.replace("aB3", "a\n3", 1), "idc_" + "é" * 32]
    )
    def test_one_of_another_form_is_never_sent_nor_shown(
        self, api: IdentityCallApi, parameters: FixedParameters, stored: str
    ) -> None:
        parameters.stored = {"api-key": stored}
        with responses.RequestsMock() as vendor, pytest.raises(KeyRefused) as refused:
            api.results(123)
        assert stored not in str(refused.value)
        assert len(vendor.calls) == 0

    def test_space_around_it_does_not_matter(
        self, api: IdentityCallApi, parameters: FixedParameters, vendor: responses.RequestsMock
    ) -> None:
        parameters.stored = {"api-key": f" {KEY}\n"}
        answered(vendor, body())
        api.results(123)
        assert vendor.calls[0].request.headers["Authorization"] == f"Bearer {KEY}"

    def test_a_new_key_is_used_at_once(
        self, api: IdentityCallApi, parameters: FixedParameters, vendor: responses.RequestsMock
    ) -> None:
        answered(vendor, body())
        answered(vendor, body())
        api.results(123)
        parameters.stored["api-key"] = KEY.lower()
        api.results(123)
        assert vendor.calls[1].request.headers["Authorization"] == f"Bearer {KEY.lower()}"

    @pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500])
    def test_it_is_in_no_error(self, api: IdentityCallApi, vendor: responses.RequestsMock, status: int) -> None:
        vendor.get(RESULTS, status=status, body=KEY)
        with pytest.raises(AlertsError) as raised:
            api.results(123)
        assert KEY not in "".join(traceback.format_exception(raised.value))


def test_each_thread_has_a_session_and_keeps_it(api: IdentityCallApi) -> None:
    sessions: list[requests.Session] = []

    def use_twice() -> None:
        sessions.extend([api._session(), api._session()])

    for _ in range(2):
        thread = threading.Thread(target=use_twice)
        thread.start()
        thread.join()
    assert sessions[0] is sessions[1]
    assert sessions[2] is sessions[3]
    assert sessions[0] is not sessions[2]
