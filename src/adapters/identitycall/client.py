"""The vendor's API: one request a call. Each answer becomes a result or an error of `domain.errors`.

Nothing here retries or sleeps: the queue does. No text of a body reaches an error message, since it can hold spoken
words.
"""

import re
import threading
import time
from collections.abc import Callable, Mapping
from functools import cached_property, partial
from typing import Final, TypeVar

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
MAX_BODY_BYTES: Final = 2_000_000
"""A call of 10 hours has about 1.4 MB: a pause of 105 bytes every 3 s, and 100 goals of 1 KB. A batch holds ten."""
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
T = TypeVar("T")


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
        self._parsing = threading.Lock()

    def read_key(self) -> None:
        """Read the key from Parameter Store now, if it is due. A request uses the cached one."""
        self._parameters[API_KEY]

    def results(self, recording: RecordingId) -> Snapshot:
        """`GET /recordings/:id/results`. Raises `Unusable` also where the body is another recording's."""
        return self._read_about(recording, f"/recordings/{recording}/results", _snapshot)

    def details(self, recording: RecordingId) -> RecordingDetails:
        """`GET /recordings/:id`. Raises `Unusable` also where the body is another recording's."""
        return self._read_about(recording, f"/recordings/{recording}", _details)

    def _read_about(self, recording: RecordingId, path: str, read: Callable[[RecordingId, object], T]) -> T:
        """What `read` makes of the `data` of a successful answer.

        One thread at a time parses: the objects of a body take up to 25 times its size.
        """
        subject = f"Recording {recording}"
        raw = self._fetch(path, subject)
        with self._parsing:
            try:
                return read(recording, _data(raw, subject))
            except AlertsError as error:
                # The frames of its traceback would hold the objects until the event is settled.
                raise error.with_traceback(None) from None

    def get(self, path: str, subject: str) -> object:
        """The body of a successful answer, as JSON. `subject` names the request in errors."""
        return _json(self._fetch(path, subject), subject)

    def _fetch(self, path: str, subject: str) -> bytearray:
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
        return raw

    def _read(self, response: BaseHTTPResponse, subject: str, until_s: float) -> bytearray:
        """The body, if it comes in time and is not too large. A server that trickles is cut off: `requests`
        itself would wait for a whole chunk, however slowly it comes; so each read takes what there is."""
        raw = bytearray()
        while chunk := response.read1(_CHUNK_BYTES, decode_content=True):
            raw += chunk
            if len(raw) > MAX_BODY_BYTES:
                raise Unusable(f"{subject}: the API's answer is over {MAX_BODY_BYTES // 1_000_000} MB.")
            if self._monotonic() > until_s:
                raise Unavailable(f"{subject}: the API took over {TOTAL_TIMEOUT_S:.0f} s to answer.")
        return raw

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


def _json(raw: bytearray, subject: str) -> object:
    try:
        body: object = from_json(raw)
    except ValueError:
        raise Unavailable(f"{subject}: the API's answer is not JSON.") from None
    return body


def _data(raw: bytearray, subject: str) -> object:
    """The `data` of an answer about one recording."""
    body = _json(raw, subject)
    if not isinstance(body, dict) or "data" not in body:
        raise Unusable(f'{subject}: the API\'s answer has no "data".')
    return body["data"]


def _snapshot(recording: RecordingId, data: object) -> Snapshot:
    results = _parsed(Results, data, recording)
    if isinstance(recording, int) and results.recording_id != recording:
        raise Unusable(f"Recording {recording}: the API answered with the results of {results.recording_id}.")
    keywords = data.get("keywords") if isinstance(data, dict) else None
    said = None if keywords is None else to_json(keywords, inf_nan_mode="null")
    # `1e400` is read as infinite, which JSON cannot write. No judged number can be infinite.
    return Snapshot(results, to_json(data, inf_nan_mode="null"), said)


def _details(recording: RecordingId, data: object) -> RecordingDetails:
    details = _parsed(RecordingDetails, data, recording)
    if isinstance(recording, int) and details.id not in {recording, None}:
        raise Unusable(f"Recording {recording}: the API answered with the details of {details.id}.")
    return details


def _parsed(model: type[M], data: object, recording: RecordingId) -> M:
    try:
        return model.model_validate(data)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_input=False, include_context=False)
        shown = "; ".join(
            f"{'.'.join(str(part) for part in fault['loc']) or 'data'}: {fault['msg']}"
            for fault in faults[:_FAULTS_SHOWN]
        )
        more = f"; and {len(faults) - _FAULTS_SHOWN} more" if len(faults) > _FAULTS_SHOWN else ""
    # Outside the clause: as its context, pydantic's error would hold the objects.
    raise Unusable(f"Recording {recording}: the API's answer has the wrong shape: {shown}{more}.")
