"""What the vendor's API refuses, and the key it is asked with: each status is its error, and none shows the key."""

import json
import threading
from collections.abc import Iterator

import pytest
import requests
import responses

from adapters.retry_after import CLOCKS_DIFFER_MS
from domain import errors
from tests.fakes.clock import NOON_MS
from tests.fakes.make import body
from tests.integration.faked_api import KEY, SPOKEN, FakedApi


@pytest.fixture
def vendor() -> Iterator[FakedApi]:
    with responses.RequestsMock() as mock:
        yield FakedApi(mock)


STATUSES: list[tuple[int, type[errors.AlertsError]]] = [
    (400, errors.Refused),
    (401, errors.KeyRefused),
    (403, errors.KeyForbidden),
    (404, errors.NotFound),
    (422, errors.NotAnalysed),
    (429, errors.Throttled),
    *(
        (status, errors.Unavailable)
        for status in (201, 204, 206, 301, 302, 303, 307, 308, 304, 402, 405, 408, 410, 418)
    ),
    *((status, errors.Unavailable) for status in (500, 501, 502, 503, 504, 520, 599)),
]


class TestStatuses:
    @pytest.mark.parametrize(("status", "kind"), STATUSES)
    def test_each_is_its_error_and_names_the_recording(
        self, vendor: FakedApi, status: int, kind: type[errors.AlertsError]
    ) -> None:
        vendor.answers(json.dumps({"error": f"{SPOKEN} {KEY}"}), status, Location="https://evil.test/")
        error = vendor.raises(kind, rf"^Recording 123: .*{status}")
        assert type(error) is kind
        assert len(vendor.calls) == 1  # no redirect is followed, nothing is tried again

    def test_a_400_is_a_dead_letter_with_a_word(self, vendor: FakedApi) -> None:
        vendor.answers(status=400)
        assert vendor.raises(errors.Refused).word == "bad_request"

    @pytest.mark.parametrize("status", [429, 500, 503])
    @pytest.mark.parametrize(
        ("headers", "at_ms"),
        [
            ({"retry_after": "30"}, NOON_MS + 30_000 + CLOCKS_DIFFER_MS),
            ({"retry_after": "whenever"}, None),
            ({}, None),
        ],
    )
    def test_a_pause_asked_for_is_passed_on(
        self, vendor: FakedApi, status: int, headers: dict[str, str], at_ms: int | None
    ) -> None:
        vendor.answers("", status, **headers)
        assert vendor.raises(errors.NotNow).retry_at_ms == at_ms

    def test_requests_are_counted_by_status(self, vendor: FakedApi) -> None:
        vendor.answers(body())
        vendor.answers(status=429)
        vendor.answers(requests.ConnectionError())
        vendor.results()
        for _ in range(2):
            vendor.raises(errors.NotNow)
        assert vendor.meter.totals == {
            ("ApiRequests", (("status", status),)): 1 for status in ("200", "429", "no_answer")
        }


class TestKey:
    @pytest.mark.parametrize(
        ("stored", "error"),
        [
            *((nothing, errors.KeyMissing) for nothing in (None, "", " \n")),
            *((odd, errors.KeyRefused) for odd in ("hunter2", KEY[:-1], KEY + "x", "idc_" + "é" * 32)),
            (KEY.replace("aB3", "a\n3", 1), errors.KeyRefused),
        ],
    )
    def test_a_key_of_another_form_is_never_sent_nor_shown(
        self, vendor: FakedApi, stored: str | None, error: type[errors.AlertsError]
    ) -> None:
        vendor.parameters.stored = {} if stored is None else {"api-key": stored}
        told = str(vendor.raises(error))
        assert not stored or not stored.strip() or stored not in told
        assert vendor.calls == []

    def test_space_around_it_does_not_matter_and_a_new_one_is_used_at_once(self, vendor: FakedApi) -> None:
        for stored in (f" {KEY}\n", KEY.lower()):
            vendor.answers(body())
            vendor.parameters.stored["api-key"] = stored
            vendor.results()
        sent = [request.headers["Authorization"] for request in vendor.calls]
        assert sent == [f"Bearer {KEY}", f"Bearer {KEY.lower()}"]


def test_each_thread_has_a_session_and_keeps_it(vendor: FakedApi) -> None:
    sessions: list[requests.Session] = []

    def use_twice() -> None:
        sessions.extend([vendor.api._session(), vendor.api._session()])

    for _ in range(2):
        thread = threading.Thread(target=use_twice)
        thread.start()
        thread.join()
    assert sessions[0] is sessions[1]
    assert sessions[2] is sessions[3]
    assert sessions[0] is not sessions[2]
