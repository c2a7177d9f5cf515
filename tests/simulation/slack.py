"""Slack's incoming webhook at the level of urllib: it may refuse, be down, or lose the answer."""

import io
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import Message as Headers
from http.client import RemoteDisconnected
from typing import Any, Final
from unittest.mock import patch
from urllib.error import HTTPError, URLError
from urllib.request import Request

from tests.simulation.faults import CallFault, Outside, alive
from tests.simulation.invariants.alerts import AlertInvariants

WEBHOOK_URL: Final = "https://hooks.slack.invalid/services/T0/B0/SECRET"
FAULTS: Final = ("429", "500", "503", "lost", "cut", "time-out", "refused", "unreachable")
REFUSALS: Final = ("400 invalid_payload", "403 action_prohibited", "404 no_active_hooks", "410 channel_is_archived")
_MAX_BLOCKS: Final = 50
_MAX_CHARACTERS: Final = 13_000
_MESSAGE_MS: Final = 1_000
_BURST: Final = 5
_UNKNOWN: Final = frozenset({"lost", "cut", "time-out", "unreachable"})
"""After these the product cannot know whether the message arrived."""


@dataclass(frozen=True)
class SlackOutage:
    from_ms: int
    until_ms: int
    fault: str
    """One of `FAULTS` or `REFUSALS`."""


class Slack:
    def __init__(
        self,
        outside: Outside,
        outages: Sequence[SlackOutage],
        fault_rate: float,
        invariants: AlertInvariants,
        *,
        slow: bool,
    ) -> None:
        self._outside = outside
        self._slow = slow
        self._full_ms = 0
        """Up to this time (epoch ms) the messages taken use the rate up."""
        self._outages = outages
        self._fault_rate = fault_rate
        self._invariants = invariants

    def urlopen(self, request: Request, timeout: float | None = None, **_: object) -> "_Response":
        """In place of urllib's."""
        world = self._outside.world
        task = alive()
        if request.full_url != WEBHOOK_URL or timeout is None:
            raise BaseException(f"no such request is expected: {request.full_url}")  # noqa: TRY002
        self._check(request.data if isinstance(request.data, bytes) else b"")
        self._invariants.posts(task)
        call_fault = self._outside.fault_plan.draw(world)
        if call_fault is CallFault.DELAYED:
            call_fault = None
        self._outside.before(task, call_fault, "POST to Slack")
        fault = self._fault()
        if fault in {None, "lost", "cut", "time-out"}:
            lost = fault is not None or call_fault is CallFault.CRASH_AFTER
            self._invariants.delivered(task, "slack", task.notes["alert_id"], answer_lost=lost)
        world.log(task.life.name, "  POST to Slack: {}", fault or "ok")
        if fault in _UNKNOWN:
            world.interruptions += 1
        world.pause(round(1000 * timeout) if fault in {"time-out", "unreachable"} else self._answer_ms(timeout))
        self._outside.after(task, call_fault, "POST to Slack")
        return self._answer(fault)

    def _answer_ms(self, timeout_s: float) -> int:
        """How long an answer takes that arrives in time."""
        world = self._outside.world
        if self._slow and world.now_ms < self._outside.fault_plan.faults_end_ms and world.chance(0.5):
            return world.between(900, round(1000 * timeout_s))
        return world.between(20, 900)

    def _fault(self) -> str | None:
        world = self._outside.world
        lasting = next((o.fault for o in self._outages if o.from_ms <= world.now_ms < o.until_ms), None)
        if lasting is None and world.now_ms < self._outside.fault_plan.faults_end_ms and world.chance(self._fault_rate):
            return world.random.choice(FAULTS)
        return lasting or self._over_the_rate()

    def _over_the_rate(self) -> str | None:
        """One message a second. A short burst is tolerated, and each second at rest makes room for one more."""
        now_ms = self._outside.world.now_ms
        self._full_ms = max(self._full_ms, now_ms - _BURST * _MESSAGE_MS)
        if self._full_ms + _MESSAGE_MS > now_ms:
            return "429"
        self._full_ms += _MESSAGE_MS
        return None

    def _answer(self, fault: str | None) -> "_Response":
        match fault:
            case None:
                return _Response()
            case "lost" | "cut":
                raise RemoteDisconnected("Remote end closed connection without response")
            case "time-out":
                raise TimeoutError("The read operation timed out")
            case "refused":
                raise URLError(ConnectionRefusedError(111, "Connection refused"))
            case "unreachable":
                raise URLError(TimeoutError("timed out"))
            case _:
                status, _, word = fault.partition(" ")
                headers = Headers()
                if status == "429":
                    wait_s = self._outside.world.between(1, 60)
                    headers["Retry-After"] = str(wait_s)
                    self._invariants.slack_says_wait(alive(), wait_s)
                raise HTTPError(WEBHOOK_URL, int(status), word, headers, io.BytesIO(word.encode()))

    @staticmethod
    def _check(data: bytes) -> None:
        """What Slack would refuse for good."""
        body = json.loads(data)
        if not body.get("text") or len(body["blocks"]) > _MAX_BLOCKS or len(data) > _MAX_CHARACTERS:
            raise BaseException("Slack would refuse this message")  # noqa: TRY002


class _Response:
    status = 200
    headers = Headers()

    def read(self) -> bytes:
        return b"ok"


@contextmanager
def in_place_of_urllib(urlopen: Callable[..., Any]) -> Iterator[None]:
    with patch("slack_sdk.webhook.client.urlopen", urlopen):
        yield
