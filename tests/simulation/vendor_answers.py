"""IdentityCall's answers: good, refused, and as a faulty server sends them."""

import json
from dataclasses import dataclass
from functools import cache
from typing import Final

import requests

from tests.simulation.recordings import SPOKEN, Recording

DOWN: Final = ("500", "502", "503", "503 wait", "time-out", "unreachable", "refused", "cut", "not JSON", "redirect")
"""Kinds of outage."""
ODD: Final = ("wrong types", "another id", "too large", "no data")
"""Kinds of unusable JSON answers."""


@dataclass
class Answer:
    status: int
    body: bytes = b""
    retry_after_s: int | None = None
    retry_as_date: bool = False
    location: str | None = None
    cut: bool = False
    state: int | None = None
    """The state of the recording that it shows, where it shows one."""
    error: type[requests.RequestException] | None = None
    wait_ms: int = 0


def failure(fault: str, retry_after_s: int | None = None) -> Answer:
    match fault:
        case "time-out":
            return Answer(0, error=requests.ReadTimeout, wait_ms=5_000)
        case "unreachable":
            return Answer(0, error=requests.ConnectTimeout, wait_ms=3_000)
        case "refused":
            return Answer(0, error=requests.ConnectionError)
        case "cut":
            return Answer(200, cut=True)
        case "not JSON":
            return Answer(200, f"<html>{SPOKEN}</html>".encode())
        case "redirect":
            return Answer(302, location="https://elsewhere.invalid/")
        case "503 wait":
            return Answer(503, error_body("Unavailable"), retry_after_s)
        case _:
            return Answer(int(fault), error_body("Server error"))


def spoilt(answer: Answer, fault: str, recording: Recording) -> Answer:
    """An answer that would have been good, as a faulty server sends it. It shows no state."""
    data = json.loads(answer.body)["data"]
    match fault:
        case "400":
            return Answer(400, error_body("Bad request"))
        case "too large":
            return Answer(200, _too_large())
        case "no data":
            return Answer(200, b'{"date": {}}')
        case "another id" if "recording_id" in data:
            data["recording_id"] = recording.recording_id + 1
        case "wrong types" if "goals" in data:
            data["goals"] = [{"goal_id": "one", "goal_name": SPOKEN, "met": "no", "score": 0.1}]
        case _:
            return answer
    return Answer(200, json.dumps({"data": data}).encode())


def spoilt_page(answer: Answer, fault: str) -> Answer:
    """A page of the list that would have been good, as a faulty server sends it."""
    match fault:
        case "too large":
            return Answer(200, _too_large())
        case "no data":
            return Answer(200, b'{"date": []}')
        case "wrong types":
            return Answer(200, b'{"data": {}, "meta": {"total_pages": "one"}}')
        case _:
            return answer


@cache
def _too_large() -> bytes:
    return b'{"data": "' + b"x" * 5_000_001 + b'"}'


def error_body(text: str) -> bytes:
    return json.dumps({"error": f"{text} {SPOKEN}"}).encode()
