"""The sender of webhooks, and a stranger without the secret. A sender may repeat what was not taken, or lose it."""

import base64
import hashlib
import hmac
from collections.abc import Callable
from contextlib import contextmanager
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING, Any, Final
from unittest.mock import patch

from tests.simulation.arrivals import Arrival
from tests.simulation.functions import FAILED, Environment, Function, Invocation
from tests.simulation.invariants.webhook import check_answer
from tests.simulation.queue import Facts
from tests.simulation.world import World

if TYPE_CHECKING:
    from collections.abc import Iterator

SECRET: Final = "whsec_SECRETofTheWebhook0123456789abcd"
_WRONG: Final = "whsec_SECRETofSomebodyElse456789abcd0"
_REPEATS_MS: Final = (5_000, 300_000, 1_800_000)


class WebhookSender:
    def __init__(
        self, world: World, function: Function, skews: Callable[[], int], facts_of: Callable[[Arrival], Facts]
    ) -> None:
        self._world = world
        self._function = function
        self._skews = skews
        self._facts_of = facts_of
        self._count = 0

    def post(self, arrival: Arrival, repeats: float, tries: int = 0) -> None:
        """Post an event. A failure is repeated, each time with the probability `repeats`."""
        facts = self._facts_of(arrival)
        self._world.log("sender", "posts {}: {}", arrival.name, arrival.body)

        def done(invocation: Invocation, response: object) -> None:
            check_answer(invocation, response, facts, authorized=True)
            if _taken(response):
                return
            if tries < len(_REPEATS_MS) and self._world.chance(repeats):
                again_ms = self._world.now_ms + _REPEATS_MS[tries]
                self._world.at(again_ms, lambda: self.post(arrival, repeats, tries + 1))
            else:
                self._world.log("sender", "gives up {}", arrival.name)

        self._invoke(self._request(arrival.body, SECRET), facts, done)

    def post_as_a_stranger(self, body: str) -> None:
        facts = Facts("a stranger's event", None, self._world.now_ms, self._world.now_ms)

        def done(invocation: Invocation, response: object) -> None:
            check_answer(invocation, response, facts, authorized=False)

        self._invoke(self._request(body, _WRONG), facts, done)

    def _invoke(self, request: dict[str, Any], facts: Facts, done: Callable[[Invocation, object], None]) -> None:
        environment = self._function.idle()
        if environment is None:
            self._count += 1
            environment = Environment(f"webhook-more-{self._count}", self._skews())
        self._function.invoke(environment, request, [], facts, done)

    def _request(self, body: str, secret: str) -> dict[str, Any]:
        """A signed POST as a function URL delivers it. Signed by the specification's words, without the package."""
        self._count += 1
        message_id, timestamp = f"msg_{self._count}", self._world.now_ms // 1000
        key = base64.b64decode(secret.removeprefix("whsec_") + "=" * (-len(secret.removeprefix("whsec_")) % 4))
        digest = hmac.digest(key, f"{message_id}.{timestamp}.{body}".encode(), hashlib.sha256)
        return {
            "version": "2.0",
            "headers": {
                "content-type": "application/json",
                "webhook-id": message_id,
                "webhook-timestamp": str(timestamp),
                "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
            },
            "requestContext": {"http": {"method": "POST", "path": "/"}},
            "isBase64Encoded": False,
            "body": body,
        }


def _taken(response: object) -> bool:
    return response is not FAILED and isinstance(response, dict) and response["statusCode"] == 202


@contextmanager
def in_place_of_the_package_clock(world: World) -> "Iterator[None]":
    """The package that verifies signatures reads the clock itself."""

    class Clock(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> "Clock":
            return cls.fromtimestamp(world.now_ms / 1000, tz)

    with patch("standardwebhooks.webhooks.datetime", Clock):
        yield
