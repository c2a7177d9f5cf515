"""Which refused calls are logged one by one and which are only counted; no count is lost while calls come."""

import io
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from handlers import receive_webhook
from runtime.function_url import Answer, Status
from runtime.refusals import LOGGED_A_MINUTE, MOST_WAITING, Refusals
from tests.fakes.clock import FakeClock
from tests.fakes.webhook import ANALYSED, ANOTHER, OUTAGES, Webhook, bearing, event, signed
from tests.unit.template.reading import Template

TEMPLATE = Template.read(Path(__file__).parents[3] / "template.yaml")
MINUTE_MS = 60_000
STRANGER = {"content-type": "application/json"}


@pytest.fixture(autouse=True)
def namespace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "IdentityCallAlerts")


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    written = io.StringIO()
    monkeypatch.setattr(receive_webhook.logger.registered_handler, "stream", written)
    return written


@pytest.fixture
def webhook() -> Webhook:
    """A function whose clock stands at the start of a minute."""
    webhook = Webhook()
    webhook.clock.advance(MINUTE_MS - webhook.clock() % MINUTE_MS)
    return webhook


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def counted(output: str) -> Counter[str]:
    """The calls that metric lines tell of, by status."""
    counts: Counter[str] = Counter()
    for line in lines(output):
        counts[line["status"]] += int(sum(line["WebhooksReceived"]))
    return counts


def logged(log: io.StringIO) -> Counter[str]:
    """The refused calls that log lines tell of, by status: one by one, or as a number of those not logged."""
    counts: Counter[str] = Counter()
    for line in lines(log.getvalue()):
        if line["message"] == "refused":
            counts.update(line.get("not_logged") or {line["status"]: 1})
    return counts


def refuse(webhook: Webhook, times: int) -> None:
    for _ in range(times):
        assert webhook.post(ANALYSED, STRANGER)[0] == 401


def test_the_first_of_a_minute_are_logged_and_measured_as_they_come(
    webhook: Webhook, log: io.StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(LOGGED_A_MINUTE):
        refuse(webhook, 1)
        assert counted(capsys.readouterr().out) == {"401": 1}
    assert [line["reason"] for line in lines(log.getvalue())] == ["no_credentials"] * LOGGED_A_MINUTE


def test_the_rest_of_the_minute_costs_no_line(
    webhook: Webhook, log: io.StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    refuse(webhook, LOGGED_A_MINUTE)
    capsys.readouterr()
    refuse(webhook, MOST_WAITING)
    webhook.clock.advance(MINUTE_MS - 1)
    assert capsys.readouterr().out == ""
    assert len(lines(log.getvalue())) == LOGGED_A_MINUTE


def test_the_first_call_after_the_minute_brings_what_waited(
    webhook: Webhook, log: io.StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    refuse(webhook, LOGGED_A_MINUTE + 20)
    capsys.readouterr()
    webhook.clock.advance(MINUTE_MS)
    refuse(webhook, 1)
    [metric_line] = lines(capsys.readouterr().out)
    assert metric_line["WebhooksReceived"] == [21.0]
    *_, summary, latest = lines(log.getvalue())
    assert (summary["message"], summary["not_logged"]) == ("refused", {"401": 20})
    assert (latest["message"], latest["reason"]) == ("refused", "no_credentials")
    assert logged(log) == {"401": LOGGED_A_MINUTE + 21}


def test_each_minute_has_its_own_first_ones(webhook: Webhook, log: io.StringIO) -> None:
    for _ in range(3):
        refuse(webhook, LOGGED_A_MINUTE + 1)
        webhook.clock.advance(MINUTE_MS)
    assert sum("reason" in line for line in lines(log.getvalue())) == 3 * LOGGED_A_MINUTE


def test_no_more_than_a_thousand_wait(webhook: Webhook, log: io.StringIO, capsys: pytest.CaptureFixture[str]) -> None:
    refuse(webhook, LOGGED_A_MINUTE + MOST_WAITING)
    capsys.readouterr()
    refuse(webhook, 1)
    assert counted(capsys.readouterr().out) == {"401": MOST_WAITING + 1}
    assert logged(log) == {"401": LOGGED_A_MINUTE + MOST_WAITING + 1}
    refuse(webhook, MOST_WAITING)
    assert capsys.readouterr().out == ""


def test_an_accepted_call_is_logged_and_measured_at_once_and_brings_what_waited(
    webhook: Webhook, log: io.StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    refuse(webhook, LOGGED_A_MINUTE + 7)
    capsys.readouterr()
    webhook.post(ANALYSED, signed())
    assert counted(capsys.readouterr().out) == {"401": 7, "202": 1}
    assert {line["message"] for line in lines(log.getvalue())[LOGGED_A_MINUTE:]} == {"accepted", "refused"}
    assert logged(log) == {"401": LOGGED_A_MINUTE + 7}
    webhook.post(ANALYSED, signed())
    assert counted(capsys.readouterr().out) == {"202": 1}


def test_every_503_is_logged_and_measured(
    webhook: Webhook, log: io.StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    refuse(webhook, LOGGED_A_MINUTE + 1)
    webhook.sqs.fault = OUTAGES[0]
    capsys.readouterr()
    for _ in range(20):
        assert webhook.post(ANALYSED, signed())[0] == 503
    assert counted(capsys.readouterr().out) == {"503": 20, "401": 1}
    assert sum(line["message"] == "unavailable" for line in lines(log.getvalue())) == 20


def test_a_flood_of_one_kind_does_not_hide_another(webhook: Webhook, log: io.StringIO) -> None:
    """A scanner's GETs leave the reason readable why a sender is refused."""
    for _ in range(100):
        webhook.handle(event("GET", [], None))
    webhook.post(ANALYSED, bearing(ANOTHER))
    *_, summary, latest = lines(log.getvalue())
    assert summary["not_logged"] == {"405": 100 - LOGGED_A_MINUTE}
    assert latest["reason"] == "no_match"


def test_every_4xx_is_counted_by_its_status(
    webhook: Webhook, log: io.StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
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
    assert counted(capsys.readouterr().out) == wanted | {"202": 1}
    assert logged(log) == wanted


def test_a_clock_set_back_loses_no_count(log: io.StringIO) -> None:
    clock = FakeClock(10 * MINUTE_MS)
    refusals = Refusals(clock)
    for _ in range(LOGGED_A_MINUTE + 3):
        refusals.log(Answer(Status.UNAUTHORIZED, "No."))
    clock.advance(-5 * MINUTE_MS)
    assert refusals.log(Answer(Status.UNAUTHORIZED, "No."))
    assert logged(log) == {"401": LOGGED_A_MINUTE + 4}


def test_one_bad_minute_rings_the_alarm_by_itself() -> None:
    """What is only counted may come too late, or never if nobody calls again."""
    alarm = TEMPLATE.of_type("AWS::CloudWatch::Alarm")["WebhookRefusedAlarm"]
    assert alarm["Threshold"] < LOGGED_A_MINUTE
