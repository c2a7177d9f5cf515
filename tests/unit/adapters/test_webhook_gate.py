"""Who may call the webhook: by signature, by token, and with which stored secrets. Called through the function."""

from collections.abc import Callable
from datetime import UTC, datetime, tzinfo
from functools import partial
from typing import Any, Self

import pytest
import standardwebhooks.webhooks

from tests.fakes.webhook import (
    ACCEPTED,
    ANALYSED,
    ANOTHER,
    CANONICAL,
    NOT_AUTHORIZED,
    SECRET,
    Webhook,
    bearing,
    logged_lines,
    signature,
    signed,
)

NOT_BASE64 = "this-is-not-base64,-at-all!"
SHORT = "a-secret-of-23-letters!"
LONG_ENOUGH = SHORT + "!"
NOISY = "whsec_" + "--".join("QUJD") + "-" * 12
"""Decoded leniently, this would be the key of `QUJD`, which is much shorter than it looks."""

Headers = Callable[[], dict[str, str]]
"""Made when the test runs: a signature holds for five minutes."""


def by_another() -> str:
    return signature(ANALYSED, ANOTHER, 1, "msg_1")


def signed_among_others(separator: str, ours_first: bool) -> dict[str, str]:
    headers = signed()
    both = [headers["webhook-signature"], by_another()]
    return headers | {"webhook-signature": separator.join(both if ours_first else both[::-1])}


def without(name: str) -> dict[str, str]:
    return {each: value for each, value in signed().items() if each != name}


def spoilt(spoil: Callable[[str], str], name: str = "webhook-signature") -> dict[str, str]:
    headers = signed()
    return headers | {name: spoil(headers[name])}


LET_IN: dict[str, tuple[str, Headers]] = {
    "signed": (SECRET, signed),
    "header names in another case": (SECRET, lambda: {name.title(): value for name, value in signed().items()}),
    **{
        f"signed among others, {separator=}, {first=}": (SECRET, partial(signed_among_others, separator, first))
        for separator in (" ", ",", ", ", " v1a,xyz v2,abc ")
        for first in (True, False)
    },
    "a header repeated in another case": (SECRET, lambda: signed() | {"Webhook-Signature": by_another()}),
    "a secret without its prefix": (SECRET.removeprefix("whsec_"), signed),
    "a secret without its padding": (SECRET.rstrip("="), signed),
    "the second of two secrets": (f"{ANOTHER} {SECRET}", signed),
    "secrets on lines of their own": (f"\n{SECRET}\n\t{ANOTHER}\n", signed),
    "beside a secret that cannot sign": (f"{NOT_BASE64} {SECRET}", signed),
    "beside secrets that are too short": (f"{SHORT} {SECRET} x", signed),
    "24 characters, the prefix included": (
        "whsec_QUJDQUJDQUJDQUJDQU",
        partial(signed, secret="whsec_" + "QUJD" * 4 + "QU=="),
    ),
    "a wrong token beside a good signature": (SECRET, partial(signed, authorization="Bearer of-somebody-else")),
    **{
        f"a token, {scheme=}": (SECRET, partial(bearing, authorization=f"{scheme} {SECRET}"))
        for scheme in ("Bearer", "bearer", "BEARER", "  Bearer  ")
    },
    **{
        f"the token {token}": (f"{ANOTHER}\n{NOT_BASE64} {SECRET}", partial(bearing, token))
        for token in (SECRET, ANOTHER, NOT_BASE64)
    },
    "a token of 24 characters": (LONG_ENOUGH, partial(bearing, LONG_ENOUGH)),
    "a token of noisy base64": (NOISY, partial(bearing, NOISY)),
    **{
        f"a token that cannot sign, {odd}": (f"{odd} {SECRET}", partial(bearing, odd))
        for odd in ("x-" * 12, "whsec_" + "not-base64!" * 2, "A" * 25, "ключ" * 6, "=" * 24, "whsec_" + "=" * 18)
    },
    "signed beside a token that cannot sign": (f"{'=' * 24} {SECRET}", signed),
}


@pytest.mark.parametrize(("stored", "headers"), LET_IN.values(), ids=LET_IN)
def test_a_call_that_proves_a_stored_secret_is_accepted(stored: str, headers: Headers) -> None:
    webhook = Webhook(stored)
    assert webhook.post(ANALYSED, headers()) == ACCEPTED
    assert webhook.enqueued == [CANONICAL]


WRONG: list[dict[str, Any]] = [
    {"secret": ANOTHER},
    {"body": ANALYSED + " "},
    *({"age_s": age_s} for age_s in (400, -400, 10**9)),
    *({"webhook_id": odd} for odd in ("msg_2", "msg_1,msg_1", "", "\ud800")),
    *({"webhook_timestamp": odd} for odd in ("", "now", "nan", "inf", "1e9", "-1", "٣", "1" * 400, "1,1")),
    *({"webhook_signature": odd} for odd in ("", "v1", "v1,", ",", " ", "v1,AAAA", "v1,=", "v1," + "A" * 44)),
    *({"webhook_signature": "v1," + odd} for odd in ("é" * 43 + "=", "A" * 100_000)),
]
TOKENS = [
    *("", "Bearer", "Bearer ", SECRET, f"Basic {SECRET}", f"Bearer {SECRET},Bearer {SECRET}", f"Bearer{SECRET}"),
    *(f"Bearer {wrong}" for wrong in (ANOTHER, SECRET.removeprefix("whsec_"), SECRET[:-1], SECRET + SECRET)),
    *("Bearer é", "Bearer \ud800", "Bearer " + "A" * 100_000),
]

REFUSED: dict[str, tuple[str, Headers]] = {
    **{f"signed with {str(wrong)[:60]}": (SECRET, partial(signed, **wrong)) for wrong in WRONG},
    **{f"the token {token[:60]!r}": (SECRET, partial(bearing, authorization=token)) for token in TOKENS},
    **{f"no {name}": (SECRET, partial(without, f"webhook-{name}")) for name in ("id", "timestamp", "signature")},
    "another time": (SECRET, partial(spoilt, lambda good: str(int(good) + 1), "webhook-timestamp")),
    "another version": (SECRET, partial(spoilt, lambda good: good.replace("v1,", "v2,"))),
    "no version": (SECRET, partial(spoilt, lambda good: good.replace("v1,", ""))),
    "a signature without padding": (SECRET, partial(spoilt, lambda good: good.rstrip("="))),
    "a signature too long": (SECRET, partial(spoilt, lambda good: good + "=")),
    "a signature in another case": (SECRET, partial(spoilt, str.swapcase)),
    "a signature with another letter": (SECRET, partial(spoilt, lambda good: good[:3] + "." + good[4:])),
    "signed with the key that lenient decoding makes": (NOISY, partial(signed, secret="QUJD")),
    "signed with a short secret": ("whsec_" + "QUJD" * 4, partial(signed, secret="whsec_" + "QUJD" * 4)),
    "a short token": (SHORT, partial(bearing, SHORT)),
    "a short token beside a long secret": (f"{SHORT} {SECRET}", partial(bearing, SHORT)),
    "a short token of many bytes": ("ключ" * 5, partial(bearing, "ключ" * 5)),
    **{f"the word {word!r} of Bearer x": ("Bearer x", partial(bearing, word)) for word in ("Bearer", "x")},
    **{
        f"the word {word!r} of a passphrase": ("correct horse battery staple", partial(bearing, word))
        for word in ("correct", "horse", "battery", "staple")
    },
}


@pytest.mark.parametrize(("stored", "headers"), REFUSED.values(), ids=REFUSED)
def test_refused_in_the_same_words_whatever_is_wrong(stored: str, headers: Headers) -> None:
    webhook = Webhook(stored)
    assert webhook.post(ANALYSED, headers()) == NOT_AUTHORIZED
    assert webhook.enqueued == []


@pytest.mark.parametrize("stored", [None, "", " \n", "whsec_", " whsec_ "])
def test_with_no_secret_that_counts_every_call_is_refused(stored: str | None) -> None:
    webhook = Webhook(stored)
    tokens = ("", "whsec_", "None", SECRET)
    for headers in ({}, signed(), signed(secret=""), *(bearing(token) for token in tokens)):
        assert webhook.post(ANALYSED, {"content-type": "application/json"} | headers) == NOT_AUTHORIZED
    assert webhook.enqueued == []


def stop_the_package_s_clock(monkeypatch: pytest.MonkeyPatch, epoch_s: int) -> None:
    class Stopped(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Self:
            return cls.fromtimestamp(epoch_s, tz=tz or UTC)

    monkeypatch.setattr(standardwebhooks.webhooks, "datetime", Stopped)


@pytest.mark.parametrize(
    ("ahead_s", "answer"),
    [*((ahead_s, ACCEPTED) for ahead_s in (-300, -299, 0, 299, 300)), (-301, NOT_AUTHORIZED), (301, NOT_AUTHORIZED)],
)
def test_five_minutes_are_tolerated_both_ways(
    monkeypatch: pytest.MonkeyPatch, ahead_s: int, answer: tuple[int, str]
) -> None:
    headers = signed()
    stop_the_package_s_clock(monkeypatch, int(headers["webhook-timestamp"]) + ahead_s)
    assert Webhook().post(ANALYSED, headers) == answer


def test_the_specification_s_own_example_is_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    """The test vector that the package publishes, at its own time."""
    stop_the_package_s_clock(monkeypatch, 1_614_265_330)
    headers = {
        "content-type": "application/json",
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    status, message = Webhook("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").post('{"test": 2432232314}', headers)
    assert status == 400  # let in, though it is no event of ours
    assert "recording_id" in message


ONE_TOO_SHORT = "Stored secrets that are ignored for having under 24 characters: 1."


@pytest.mark.parametrize(
    ("stored", "wrong", "reason", "detail"),
    [
        (None, {}, "nothing_stored", None),
        (" ", {}, "nothing_stored", None),
        ("whsec_", {}, "secret_too_short", ONE_TOO_SHORT),
        (SHORT, {"webhook_id": "", "authorization": f"Bearer {SHORT}"}, "secret_too_short", ONE_TOO_SHORT),
        (f"{SHORT} {SECRET} x", {"secret": ANOTHER}, "no_match", ONE_TOO_SHORT.replace("1.", "2.")),
        (SECRET, {"webhook_id": ""}, "no_credentials", None),
        (SECRET, {"webhook_signature": "v1,AAAA"}, "no_credentials", None),
        (SECRET, {"age_s": 900}, "expired", None),
        (SECRET, {"age_s": -900}, "expired", None),
        (SECRET, {"secret": ANOTHER}, "no_match", None),
        (SECRET, {"webhook_id": "", "authorization": f"Bearer {ANOTHER}"}, "no_match", None),
    ],
)
def test_the_log_tells_operators_why_a_call_was_refused(
    monkeypatch: pytest.MonkeyPatch, stored: str | None, wrong: dict[str, Any], reason: str, detail: str | None
) -> None:
    with logged_lines(monkeypatch) as lines:
        Webhook(stored).post(ANALYSED, signed(**wrong))
    [line] = lines
    assert (line["message"], line["reason"], line.get("detail")) == ("refused", reason, detail)
    assert SHORT not in str(line)
