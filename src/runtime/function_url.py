"""A POST at a function URL, read as Lambda delivers it (payload format 2.0), and the answer to it.

https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html

A malformed request is answered here, before its secret is checked: the answer tells a caller only about the request.
"""

import json
import re
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

MAX_BODY_BYTES: Final = 262_144
"""256 KB; the URL itself would let 6 MB through."""
_JSON: Final = re.compile(r"application/([\w.+-]+\+)?json", re.IGNORECASE | re.ASCII)


class Status(StrEnum):
    """Every answer there is; the words are a metric's dimension."""

    ACCEPTED = "202"
    MALFORMED = "400"
    UNAUTHORIZED = "401"
    NOT_A_POST = "405"
    TOO_LARGE = "413"
    NOT_JSON = "415"
    UNAVAILABLE = "503"


@dataclass(frozen=True, slots=True)
class Answer:
    status: Status
    message: str
    headers: Mapping[str, str] = field(default_factory=dict)
    why: Mapping[str, str | None] = field(default_factory=dict)
    """Fields for the log. The caller never sees them."""

    @property
    def refused(self) -> bool:
        """The caller's fault: any 4xx."""
        return self.status.startswith("4")

    def as_payload(self) -> dict[str, Any]:
        """As Lambda wants it."""
        return {
            "statusCode": int(self.status),
            "headers": {"Content-Type": "application/json", **self.headers},
            "body": json.dumps({"message": self.message}),
        }


@dataclass(frozen=True, slots=True)
class Post:
    """`headers` by names in lower case, a repeated one's values joined by commas; `body` as it was sent."""

    headers: Mapping[str, str]
    body: str


def read_json_post(event: Mapping[str, Any]) -> Post | Answer:
    """The request if it is a POST of JSON text, else the answer that names the fault."""
    if event["requestContext"]["http"]["method"] != "POST":
        return Answer(Status.NOT_A_POST, "Only POST is answered here.", {"Allow": "POST"})
    headers = _headers(event)
    media_type = re.split("[;,]", headers.get("content-type", ""), maxsplit=1)[0].strip()
    if not _JSON.fullmatch(media_type):
        return Answer(Status.NOT_JSON, "Content-Type must be application/json.")
    return _with_body(headers, event.get("body") or "", encoded=bool(event.get("isBase64Encoded")))


def _headers(event: Mapping[str, Any]) -> dict[str, str]:
    joined: dict[str, str] = {}
    for name, value in (event.get("headers") or {}).items():
        lower = name.lower()
        joined[lower] = f"{joined[lower]},{value}" if lower in joined else value
    return joined


def _with_body(headers: Mapping[str, str], text: str, *, encoded: bool) -> Post | Answer:
    too_large = Answer(Status.TOO_LARGE, f"The body is over {MAX_BODY_BYTES // 1024} KB.")
    if len(text) > (MAX_BODY_BYTES * 3 // 2 if encoded else MAX_BODY_BYTES):
        return too_large  # certainly, and before anything is copied
    try:
        raw = b64decode(text, validate=True) if encoded else text.encode()
        body = raw.decode()
    except ValueError:
        return Answer(Status.MALFORMED, "The body is not UTF-8 text.")
    return too_large if len(raw) > MAX_BODY_BYTES else Post(headers, body)
