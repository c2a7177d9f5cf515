"""Authorizes callers of the webhook: they prove, in one of two ways, that they have a secret of `webhook-secret`.

    webhook-id, webhook-timestamp, webhook-signature     Standard Webhooks, https://www.standardwebhooks.com
    Authorization: Bearer <secret>                       for senders that can only send a fixed header

Several secrets, separated by white space, all count, so that they can be changed without loss. One under 24 characters
does not: it could be guessed, and it may be one word of a passphrase or of `Bearer x`. Without a secret that counts
every call is refused. A secret that is not base64 cannot sign, and serves as a bearer token only.
"""

import hmac
import re
from base64 import b64decode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from typing import Final

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from adapters.parameters import Parameters
from domain.ports import Clock

WEBHOOK_SECRET: Final = "webhook-secret"  # noqa: S105 - the entry's name
MIN_SECRET_LENGTH: Final = 24
"""Characters of a secret as it is stored, prefix included. Standard Webhooks asks for more: 24 bytes, which are 32
characters of base64."""
TOLERANCE_S: Final = 300
"""The package's own, both ways; here only to tell operators why."""
_PREFIX: Final = "whsec_"
_TIMESTAMP: Final = re.compile(r"[1-9][0-9]{0,11}")
_SIGNATURE: Final = re.compile(r"(?<![^ ,])v1,[A-Za-z0-9+/]{43}=(?![^ ,])")
"""One well-formed signature of a header that may hold several: an HMAC-SHA256 in base64. A repeated header is joined by
commas; the package fails on anything else."""
_BEARER: Final = re.compile(r"bearer +(\S+)", re.IGNORECASE)


class Reason(StrEnum):
    NOTHING_STORED = "nothing_stored"
    SECRET_TOO_SHORT = "secret_too_short"  # noqa: S105 - a reason
    NO_CREDENTIALS = "no_credentials"
    EXPIRED = "expired"
    NO_MATCH = "no_match"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a call is refused: for the operators' log, never for the caller."""

    reason: Reason
    detail: str | None
    """A sentence that says how many stored secrets are too short to count; `None` where there are none."""


@dataclass(frozen=True, slots=True)
class _Secret:
    token: bytes = field(repr=False)
    webhook: Webhook | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Stored:
    """The stored entry: its valid secrets, and how many are too short."""

    secrets: tuple[_Secret, ...]
    too_short: int


class WebhookGate:
    def __init__(self, parameters: Parameters, now_ms: Clock) -> None:
        self._parameters = parameters
        self._now_ms = now_ms

    def refusal(self, headers: Mapping[str, str], body: str) -> Refusal | None:
        """Why this call is refused; `None` lets it in. Header names are in lower case.

        Raises botocore's errors where Parameter Store is out of reach and nothing is known.
        """
        stored = _parsed(self._parameters[WEBHOOK_SECRET] or "")
        reason = self._reason(stored, headers, body)
        return Refusal(reason, _detail(stored)) if reason else None

    def _reason(self, stored: _Stored, headers: Mapping[str, str], body: str) -> Reason | None:
        if not stored.secrets:
            return Reason.SECRET_TOO_SHORT if stored.too_short else Reason.NOTHING_STORED
        signed, token = _signed(headers), _token(headers)
        if token is not None and _is_one_of(token, stored.secrets):
            return None
        if signed is not None and any(_verifies(secret.webhook, signed, body) for secret in stored.secrets):
            return None
        if signed is None:
            return Reason.NO_CREDENTIALS if token is None else Reason.NO_MATCH
        age_s = self._now_ms() / 1000 - int(signed["webhook-timestamp"])
        return Reason.EXPIRED if abs(age_s) > TOLERANCE_S else Reason.NO_MATCH


def _detail(stored: _Stored) -> str | None:
    if not stored.too_short:
        return None
    return f"Stored secrets that are ignored for having under {MIN_SECRET_LENGTH} characters: {stored.too_short}."


@lru_cache(maxsize=2)
def _parsed(entry: str) -> _Stored:
    words = entry.split()
    long_enough = [word for word in words if len(word) >= MIN_SECRET_LENGTH]
    return _Stored(tuple(_Secret(word.encode(), _signer(word)) for word in long_enough), len(words) - len(long_enough))


def _signer(secret: str) -> Webhook | None:
    """Decode strictly: the package skips invalid characters, which makes a weak key."""
    encoded = secret.removeprefix(_PREFIX)
    try:
        return Webhook(b64decode(encoded + "=" * (-len(encoded) % 4), validate=True))
    except ValueError:
        return None


def _signed(headers: Mapping[str, str]) -> dict[str, str] | None:
    """The headers of a signature, in a form the package does not stumble over; `None` where there is no signature."""
    message_id, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    signatures = _SIGNATURE.findall(headers.get("webhook-signature", ""))
    if not message_id or not _TIMESTAMP.fullmatch(timestamp) or not signatures:
        return None
    return {
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(signatures),
    }


def _verifies(webhook: Webhook | None, signed: dict[str, str], body: str) -> bool:
    if webhook is None:
        return False
    try:
        webhook.verify(body, signed, json_parse=False)
    except (WebhookVerificationError, ValueError):  # ValueError: an id that is not text, such as a lone surrogate
        return False
    return True


def _is_one_of(token: bytes, secrets: Sequence[_Secret]) -> bool:
    """Compare each secret in constant time, so that the time taken reveals nothing."""
    matches = [hmac.compare_digest(secret.token, token) for secret in secrets]
    return any(matches)


def _token(headers: Mapping[str, str]) -> bytes | None:
    found = _BEARER.fullmatch(headers.get("authorization", "").strip())
    return found[1].encode(errors="surrogatepass") if found else None
