"""Which refused calls are logged one by one and which are only counted; no count is lost while calls come."""

import io
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from handlers import receive_webhook
from runtime.refusals import LOGGED_A_MINUTE, MOST_WAITING
from tests.fakes.webhook import ANALYSED, ANOTHER, Webhook, bearing, event, signed
from tests.unit.template.reading import Template

TEMPLATE = Template.read(Path(__file__).parents[3] / "template.yaml")
MINUTE_MS = 60_000
STRANGER = {"content-type": "application/json"}


class Watched(Webhook):
    """A function whose clock starts a minute, with what it logs and what it measures."""

    def __init__(self, log: io.StringIO, capsys: pytest.CaptureFixture[str]) -> None:
        super().__init__()
        self._log, self._capsys = log, capsys
        self.clock.advance(MINUTE_MS - self.clock() % MINUTE_MS)

    def refuse(self, times: int) -> None:
        for _ in range(times):
            assert self.post(ANALYSED, STRANGER)[0] == 401

    def logged(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self._log.getvalue().splitlines()]

    def told(self) -> Counter[str]:
        """The refused calls in the log by status: one a line, or the number of those not logged."""
        counts: Counter[str] = Counter()
        for line in self.logged():
            if line["message"] == "refused":
                counts.update(line.get("not_logged") or {line["status"]: 1})
        return counts

    def measured(self) -> Counter[str]:
        """The calls in the metrics written since the last look, by status."""
        counts: Counter[str] = Counter()
        for line in map(json.loads, self._capsys.readouterr().out.splitlines()):
            counts[line["status"]] += int(sum(line["WebhooksReceived"]))
        return counts


@pytest.fixture
def webhook(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Watched:
    log = io.StringIO()
    monkeypatch.setattr(receive_webhook.logger.registered_handler, "stream", log)
    return Watched(log, capsys)


def test_the_first_of_a_minute_are_logged_and_measured_as_they_come_and_the_rest_costs_no_line(
    webhook: Watched,
) -> None:
    for _ in range(LOGGED_A_MINUTE):
        webhook.refuse(1)
        assert webhook.measured() == {"401": 1}
    webhook.refuse(MOST_WAITING)
    webhook.clock.advance(MINUTE_MS - 1)
    assert webhook.measured() == {}
    assert [line["reason"] for line in webhook.logged()] == ["no_credentials"] * LOGGED_A_MINUTE


def test_the_first_call_after_the_minute_brings_what_waited(webhook: Watched) -> None:
    webhook.refuse(LOGGED_A_MINUTE + 20)
    webhook.measured()
    webhook.clock.advance(MINUTE_MS)
    webhook.refuse(1)
    assert webhook.measured() == {"401": 21}
    *_, summary, latest = webhook.logged()
    assert (summary["message"], summary["not_logged"]) == ("refused", {"401": 20})
    assert (latest["message"], latest["reason"]) == ("refused", "no_credentials")


def test_no_more_than_a_thousand_wait(webhook: Watched) -> None:
    webhook.refuse(LOGGED_A_MINUTE + MOST_WAITING)
    webhook.measured()
    webhook.refuse(1)
    assert webhook.measured() == {"401": MOST_WAITING + 1}
    assert webhook.told() == {"401": LOGGED_A_MINUTE + MOST_WAITING + 1}
    webhook.refuse(MOST_WAITING)
    assert webhook.measured() == {}


def test_an_accepted_call_is_logged_and_measured_at_once_and_brings_what_waited(webhook: Watched) -> None:
    webhook.refuse(LOGGED_A_MINUTE + 7)
    webhook.measured()
    webhook.post(ANALYSED, signed())
    assert webhook.measured() == {"401": 7, "202": 1}
    assert {line["message"] for line in webhook.logged()[LOGGED_A_MINUTE:]} == {"accepted", "refused"}
    assert webhook.told() == {"401": LOGGED_A_MINUTE + 7}
    webhook.post(ANALYSED, signed())
    assert webhook.measured() == {"202": 1}


def test_a_flood_of_one_kind_does_not_hide_another(webhook: Watched) -> None:
    """A scanner's GETs leave the reason readable why a sender is refused."""
    for _ in range(100):
        webhook.handle(event("GET", [], None))
    webhook.post(ANALYSED, bearing(ANOTHER))
    *_, summary, latest = webhook.logged()
    assert summary["not_logged"] == {"405": 100 - LOGGED_A_MINUTE}
    assert latest["reason"] == "no_match"


def test_every_answer_is_counted_by_its_status(webhook: Watched) -> None:
    calls: list[tuple[str, dict[str, str], str]] = [
        ("POST", signed("{}"), "{}"),
        ("POST", STRANGER, ANALYSED),
        ("GET", {}, ""),
        ("POST", bearing(), "x" * 300_000),
        ("POST", {}, ""),
    ]
    for method, headers, body in calls * 20:
        webhook.handle(event(method, headers.items(), body))
    webhook.clock.advance(MINUTE_MS)
    webhook.post(ANALYSED, signed())
    wanted = dict.fromkeys(("400", "401", "405", "413", "415"), 20)
    assert webhook.measured() == wanted | {"202": 1}
    assert webhook.told() == wanted


def test_one_bad_minute_rings_the_alarm_by_itself() -> None:
    """Calls that are only counted may be written too late, or never if no further call comes."""
    alarm = TEMPLATE.of_type("AWS::CloudWatch::Alarm")["WebhookRefusedAlarm"]
    assert alarm["Threshold"] < LOGGED_A_MINUTE
