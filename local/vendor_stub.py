"""The IdentityCall API on this machine: it answers as the vendor's documentation says, and misbehaves when told to.

Run as a process (`python -m local.vendor_stub FD`); tests and `make run` steer it through `VendorStub`.
"""

from __future__ import annotations

import json
import math
import re
import socket
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import asdict, replace
from typing import Any

from local.http_stub import Answer, Fault, Request, StubServer, serve
from local.recordings import RECORDINGS, Recording
from local.stub_process import StubProcess

PREFIX = "/api/v1/public"
API_KEY = "idc_" + "LocalStubReadKey".ljust(32, "0")
WRITE_ONLY_KEY = "idc_" + "LocalStubWriteOnlyKey".ljust(32, "0")
REVOKED_KEY = "idc_" + "LocalStubRevokedKey".ljust(32, "0")

WINDOW_SECONDS = 60.0
TOO_BIG_BYTES = 2_000_001
_AUTHORIZATION = re.compile(r"Bearer idc_[A-Za-z0-9]{32}")
_RECORDING_PATH = re.compile(PREFIX + r"/recordings/([^/]+)(?:/(results|transcription|summary))?")


class VendorServer(StubServer):
    """Knows recordings by both of their ids, checks keys, and keeps to a request limit if one is set."""

    def __init__(self, listening: socket.socket) -> None:
        super().__init__(listening)
        self._by_id: dict[str, Recording] = {}
        self._limit: int | None = None
        self._granted: deque[float] = deque()
        self._keep_recordings(RECORDINGS)
        self.controls |= {"recordings": self._control_recordings, "limit": self._control_limit}

    # controls

    def _keep_recordings(self, recordings: Iterable[Recording]) -> None:
        for recording in recordings:
            self._by_id[str(recording.id)] = recording
            self._by_id[recording.public_id] = recording

    def _control_recordings(self, content: Any) -> None:
        with self.lock:
            self._keep_recordings(Recording(**recording) for recording in content)

    def _control_limit(self, content: Any) -> None:
        with self.lock:
            self._limit = content
            self._granted.clear()

    # requests

    def target_of(self, request: Request) -> str:
        """The number of the requested recording, under either name; "list"; or an unknown id as it came."""
        found = _RECORDING_PATH.fullmatch(request.path)
        if not found:
            return "list" if request.path == f"{PREFIX}/recordings" else ""
        recording = self._by_id.get(found[1].lower())
        return str(recording.id) if recording else found[1]

    def answer(self, request: Request, fault: Fault) -> Answer:
        return self._refusal(request) or self._content(request, fault)

    def _refusal(self, request: Request) -> Answer | None:
        authorization = request.headers.get("authorization", "")
        if not _AUTHORIZATION.fullmatch(authorization):
            return _error(401, "API key missing or malformed")
        key = authorization.removeprefix("Bearer ")
        if key == WRITE_ONLY_KEY:
            return _error(403, "Read permission required")
        if key != API_KEY:
            return _error(401, "API key unknown or revoked")
        if wait := self._seconds_to_wait():
            answer = _error(429, "Rate limit exceeded")
            return replace(answer, headers={**answer.headers, "Retry-After": str(wait)})
        return None

    def _seconds_to_wait(self) -> int:
        """0 where the sliding window has room (and takes it); else whole seconds until it has."""
        with self.lock:
            if self._limit is None:
                return 0
            now = time.monotonic()
            while self._granted and self._granted[0] <= now - WINDOW_SECONDS:
                self._granted.popleft()
            if len(self._granted) >= self._limit:
                return max(1, math.ceil(self._granted[0] + WINDOW_SECONDS - now))
            self._granted.append(now)
            return 0

    def _content(self, request: Request, fault: Fault) -> Answer:
        if request.method == "GET" and request.path == f"{PREFIX}/recordings":
            return self._list(request.query)
        found = _RECORDING_PATH.fullmatch(request.path)
        recording = self._by_id.get(found[1].lower()) if found and request.method == "GET" else None
        if not found or not recording:
            return _error(404, "Resource not found")
        if fault.kind == "goals_pending":
            recording = replace(recording, goals=[], goals_evaluated=False, verbatim_results=None)
        answers: dict[str | None, Callable[[Recording], Answer]] = {
            None: _details,
            "results": _results,
            "transcription": _transcription,
            "summary": _summary,
        }
        return _spoil(answers[found[2]](recording), fault)

    def _list(self, query: dict[str, str]) -> Answer:
        try:
            page, per_page = int(query.get("page", "1")), int(query.get("per_page", "25"))
        except ValueError:
            return _error(400, "page and per_page must be numbers")
        if page < 1 or not 1 <= per_page <= 100:
            return _error(400, "page starts at 1, per_page is 1 to 100")
        wanted = query.get("status")
        with self.lock:
            unique = {recording.id: recording for recording in self._by_id.values()}
        chosen = [recording for recording in unique.values() if wanted in (None, recording.status)]
        chosen.sort(key=lambda each: (each.created_at, each.id))
        meta = {
            "current_page": page,
            "total_pages": max(1, math.ceil(len(chosen) / per_page)),
            "total_count": len(chosen),
            "per_page": per_page,
        }
        shown = chosen[(page - 1) * per_page : page * per_page]
        return Answer.json(200, {"data": [_list_item(recording) for recording in shown], "meta": meta})


def _error(status: int, text: str) -> Answer:
    return Answer.json(status, {"errors": [text]} if status == 422 else {"error": text})


def _results(recording: Recording) -> Answer:
    if recording.status != "completed":
        return _error(422, "Transcription not available")
    if recording.verbatim_results is not None:
        return Answer(200, recording.verbatim_results.encode(), {"Content-Type": "application/json; charset=utf-8"})
    data: dict[str, Any] = {
        "recording_id": recording.id,
        "goals": recording.goals if recording.goals_evaluated else [],
        "pauses": recording.pauses,
    }
    if recording.keywords is not None:
        data["keywords"] = recording.keywords
    return Answer.json(200, {"data": data | recording.extra})


def _details(recording: Recording) -> Answer:
    completed = recording.status == "completed"
    data = {
        "id": recording.id,
        "name": recording.name,
        "status": recording.status,
        "language": recording.language,
        "duration_ms": recording.duration_ms,
        "created_at": recording.created_at,
        "updated_at": recording.created_at,
        "dialogues_count": len(_dialogues(recording)) if completed else 0,
        "goals_evaluated": completed and recording.goals_evaluated,
        "keywords_detected": completed,
        "pauses_detected": completed,
        "audio_attached": True,
    }
    return Answer.json(200, {"data": data})


def _list_item(recording: Recording) -> dict[str, Any]:
    return {
        "id": recording.id,
        "name": recording.name,
        "status": recording.status,
        "duration_ms": recording.duration_ms,
        "created_at": recording.created_at,
        "speakers": list(recording.speakers),
        "goal_achievement": recording.goal_achievement,
    }


def _transcription(recording: Recording) -> Answer:
    if recording.status != "completed":
        return _error(422, "Transcription not available")
    return Answer.json(200, {"data": {"dialogues": _dialogues(recording)}})


def _summary(recording: Recording) -> Answer:
    if recording.status != "completed":
        return _error(422, "Transcription not available")
    data = {
        "summary": f"{recording.speakers[0]} spoke with a caller. Subject: {recording.name}.",
        "duration_ms": recording.duration_ms,
        "speakers": list(recording.speakers),
        "goal_achievement": recording.goal_achievement,
    }
    return Answer.json(200, {"data": data})


def _dialogues(recording: Recording) -> list[dict[str, Any]]:
    """One line of speech for each pause that names one: the words spoken just before the silence."""
    if recording.dialogues is not None:
        return recording.dialogues
    pauses = recording.pauses
    if recording.verbatim_results is not None:
        pauses = json.loads(recording.verbatim_results)["data"]["pauses"]
    return [
        {
            "id": each["after_dialogue_id"],
            "position": position,
            "speaker": "SPEAKER_00",
            "voice_profile_name": recording.speakers[0],
            "text": "One moment, I am looking that up for you.",
            "start_ms": max(0, each["start_ms"] - 2_400),
            "end_ms": each["start_ms"],
            "emotion": {"neutral": 0.9},
        }
        for position, each in enumerate(pauses, start=1)
        if each["after_dialogue_id"] is not None
    ]


def _spoil(answer: Answer, fault: Fault) -> Answer:
    """The faults of content; only a good answer can be spoiled."""
    if answer.status != 200:
        return answer
    match fault.kind:
        case "not_json":
            return replace(answer, body=b"<html><body>Bad gateway</body></html>", headers={"Content-Type": "text/html"})
        case "truncated":
            return replace(answer, body=answer.body[: len(answer.body) // 2])
        case "too_big":
            return replace(answer, body=answer.body.rstrip().ljust(TOO_BIG_BYTES))
        case "wrong_type" | "wrong_recording":
            content = json.loads(answer.body)
            wrong: dict[str, Any] = {"recording_id": 999_999}
            if fault.kind == "wrong_type":
                wrong = {"goals": "none", "pauses": {"start_ms": "soon"}}
            content["data"] |= wrong
            return Answer.json(200, content)
        case _:
            return answer


class VendorStub(StubProcess):
    """Starts the stub on a free port and steers it; use it as a context manager."""

    module = "local.vendor_stub"
    api_key = API_KEY

    @property
    def base_url(self) -> str:
        return self.root_url + PREFIX

    def put(self, *recordings: Recording) -> None:
        """Add recordings, or replace those with the same id (a re-analysis)."""
        self.control("recordings", [asdict(recording) for recording in recordings])

    def set_limit(self, requests_per_minute: int | None) -> None:
        """At most so many requests in any 60 seconds, else 429; None: no limit. Starts with an empty window."""
        self.control("limit", requests_per_minute)


if __name__ == "__main__":
    serve(VendorServer, int(sys.argv[1]))
