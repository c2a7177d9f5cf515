"""The vendor's API: one request a call. Each answer becomes a result or an error of `domain.errors`.

Nothing here retries or sleeps: the queue does. No text of a body reaches an error message, since it can hold spoken
words.
"""

import re
import threading
import time
from collections.abc import Callable, Mapping
from functools import cached_property, partial
from typing import Any, Final, TypeVar

import requests
from pydantic import BaseModel, ValidationError
from pydantic_core import from_json, to_json
from urllib3 import BaseHTTPResponse
from urllib3.exceptions import HTTPError

from adapters.parameters import Parameters
from adapters.retry_after import retry_at_ms
from domain.errors import (
    AlertsError,
    KeyForbidden,
    KeyMissing,
    KeyRefused,
    NotAnalysed,
    NotFound,
    Refused,
    Throttled,
    Unavailable,
    Unusable,
)
from domain.evaluation.outcome import Snapshot
from domain.ports import Clock, Meter
from domain.recording import RecordingDetails, RecordingId, Results

API_KEY: Final = "api-key"
CONNECT_TIMEOUT_S: Final = 1.0
READ_TIMEOUT_S: Final = 5.0
TOTAL_TIMEOUT_S: Final = 8.0
MAX_BODY_BYTES: Final = 5_000_000
_HEADERS: Final = {
    "Accept": "application/json",
    "Accept-Encoding": "gzip, deflate",
    "User-Agent": "identitycall-alerts",
}
_CHUNK_BYTES: Final = 65_536
_KEY: Final = re.compile(r"idc_[A-Za-z0-9]{32}")
_FAULTS_SHOWN: Final = 3
_MEANINGS: Final[Mapping[int, tuple[Callable[[str], AlertsError], str]]] = {
    400: (partial(Refused, "bad_request"), "the API calls the request malformed"),
    401: (KeyRefused, "the API refuses the stored api-key"),
    403: (KeyForbidden, "the stored api-key lacks the read permission"),
    404: (NotFound, "the API knows no such recording"),
    422: (NotAnalysed, "it is not analysed yet"),
}

M = TypeVar("M", bound=BaseModel)


class IdentityCallApi:
    """`base_url` ends before `/recordings`. Sessions are kept a thread, so that connections are used again."""

    def __init__(
        self,
        base_url: str,
        parameters: Parameters,
        meter: Meter,
        now_ms: Clock,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._parameters = parameters
        self._meter = meter
        self._now_ms = now_ms
        self._monotonic = monotonic
        self._thread = threading.local()

    def read_key(self) -> None:
        """Read the key from Parameter Store now, if it is due. A request uses the cached one."""
        self._parameters[API_KEY]

    def results(self, recording: RecordingId) -> Snapshot:
        """`GET /recordings/:id/results`. Raises `Unusable` also where the body is another recording's."""
        data = self._data(f"/recordings/{recording}/results", recording)
        results = _parsed(Results, data, recording)
        if isinstance(recording, int) and results.recording_id != recording:
            raise Unusable(f"Recording {recording}: the API answered with the results of {results.recording_id}.")
        # A number too large to be one is infinite by now, and no JSON; nothing that is judged can be.
        keywords = data.get("keywords") if isinstance(data, dict) else None
        return Snapshot(results, to_json(data, inf_nan_mode="null"), keywords)

    def details(self, recording: RecordingId) -> RecordingDetails:
        """`GET /recordings/:id`. Raises `Unusable` also where the body is another recording's."""
        details = _parsed(RecordingDetails, self._data(f"/recordings/{recording}", recording), recording)
        if isinstance(recording, int) and details.id not in {recording, None}:
            raise Unusable(f"Recording {recording}: the API answered with the details of {details.id}.")
        return details

    def _data(self, path: str, recording: RecordingId) -> object:
        """The `data` of a successful answer about a recording."""
        body = self.get(path, f"Recording {recording}")
        if not isinstance(body, dict) or "data" not in body:
            raise Unusable(f'Recording {recording}: the API\'s answer has no "data".')
        return body["data"]

    def get(self, path: str, subject: str) -> object:
        """The body of a successful answer, as JSON. `subject` names the request in errors."""
        key = self._key()
        started_s = self._monotonic()
        status = "no_answer"
        try:
            with self._session().send(
                self._request(path, key),
                timeout=(CONNECT_TIMEOUT_S, READ_TIMEOUT_S),
                allow_redirects=False,
                stream=True,
            ) as response:
                status = str(response.status_code)
                if response.status_code != requests.codes.ok:
                    raise self._error(response.status_code, response.headers, subject)
                raw = self._read(response.raw, subject, started_s + TOTAL_TIMEOUT_S)
        except (requests.RequestException, HTTPError) as error:
            raise Unavailable(f"{subject}: no answer from the API ({type(error).__name__}).") from error
        finally:
            self._meter.add("ApiRequests", status=status)
        try:
            body: object = from_json(raw)
        except ValueError:
            raise Unavailable(f"{subject}: the API's answer is not JSON.") from None
        return body

    def _read(self, response: BaseHTTPResponse, subject: str, until_s: float) -> bytes:
        """The body, if it comes in time and is not too large. A server that trickles is cut off: `requests`
        itself would wait for a whole chunk, however slowly it comes; so each read takes what there is."""
        raw = bytearray()
        while chunk := response.read1(_CHUNK_BYTES, decode_content=True):
            raw += chunk
            if len(raw) > MAX_BODY_BYTES:
                raise Unusable(f"{subject}: the API's answer is over {MAX_BODY_BYTES // 1_000_000} MB.")
            if self._monotonic() > until_s:
                raise Unavailable(f"{subject}: the API took over {TOTAL_TIMEOUT_S:.0f} s to answer.")
        return bytes(raw)

    def _error(self, status: int, headers: Mapping[str, str], subject: str) -> AlertsError:
        if status in _MEANINGS:
            kind, meaning = _MEANINGS[status]
            return kind(f"{subject}: {meaning} ({status}).")
        wait_until_ms = retry_at_ms(headers, self._now_ms())
        if status == requests.codes.too_many_requests:
            return Throttled(f"{subject}: over the API's request limit (429).", wait_until_ms)
        return Unavailable(f"{subject}: the API answered {status}.", wait_until_ms)

    def _key(self) -> str:
        # A slot of the request budget has been granted by now, and lapses.
        key = (self._parameters.at_hand(API_KEY) or "").strip()
        if not key:
            raise KeyMissing("No api-key is stored, so no results can be fetched.")
        if not _KEY.fullmatch(key):
            raise KeyRefused("The stored api-key is not of the form idc_ and 32 letters and digits.")
        return key

    def _request(self, path: str, key: str) -> requests.PreparedRequest:
        """A copy of one prepared beforehand: to prepare each takes the session a third of a request's CPU."""
        request = self._blank.copy()
        request.url = f"{request.url}{path}"
        request.headers["Authorization"] = f"Bearer {key}"
        return request

    @cached_property
    def _blank(self) -> requests.PreparedRequest:
        request = requests.Request("GET", self._base_url, headers=_HEADERS).prepare()
        request.url = (request.url or "").rstrip("/")
        return request

    def _session(self) -> requests.Session:
        session = getattr(self._thread, "session", None)
        if session is None:
            session = requests.Session()
            session.trust_env = False  # otherwise a proxy variable could have every request read
            self._thread.session = session
        return session


def _parsed(model: type[M], data: Any, recording: RecordingId) -> M:
    try:
        return model.model_validate(data)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_input=False, include_context=False)
        shown = "; ".join(
            f"{'.'.join(str(part) for part in fault['loc']) or 'data'}: {fault['msg']}"
            for fault in faults[:_FAULTS_SHOWN]
        )
        more = f"; and {len(faults) - _FAULTS_SHOWN} more" if len(faults) > _FAULTS_SHOWN else ""
        raise Unusable(f"Recording {recording}: the API's answer has the wrong shape: {shown}{more}.") from None
