"""Nothing that is secret and nothing that people said is ever in what the functions log, whatever goes wrong."""

import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
import responses
from botocore.exceptions import ClientError

from handlers import evaluate_recordings, notify_slack
from handlers.evaluate_recordings import EvaluationWorker
from handlers.notify_slack import SlackWorker
from tests.fakes.clock import NOON_MS, FakeClock
from tests.fakes.make import alert, body, details, goal, unmet
from tests.integration.conftest import TABLE, Aws
from tests.integration.socket_server import Act, RawServer, cuts, raw_server, says
from tests.integration.workers import (
    KEY,
    PREFIX,
    Vendor,
    context,
    evaluation_worker,
    log_lines_of,
    slack_worker,
    sqs_record,
)

SPOKEN = "my card number is 4111"
NAMED = "Call of Erika Mustermann"
WEBHOOK_PATH = "/services/T00000000/B00000000/verysecret"
NEVER = [SPOKEN, "4111", NAMED, "Mustermann", KEY, "verysecret"]
FAILED_WRITE = ClientError({"Error": {"Code": "ValidationException", "Message": "Item size exceeded"}}, "PutItem")


@pytest.fixture(autouse=True)
def _as_deployed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "IdentityCallAlerts")
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "alerts")


@pytest.fixture
def vendor(aws: Aws) -> Iterator[Vendor]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield Vendor(mock)


@pytest.fixture
def worker(aws: Aws, clock: FakeClock) -> EvaluationWorker:
    aws.put_parameter(f"{PREFIX}/api-key", KEY)
    return evaluation_worker(aws, clock)


class Heard:
    """All that a function writes: its own log lines, other libraries' warnings, and what is printed."""

    def __init__(self, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> None:
        self._capsys, self._caplog = capsys, caplog

    def handling(self, worker: Any, logger: Any, text: str) -> str:
        with self._caplog.at_level(logging.WARNING), log_lines_of(logger) as lines:
            worker.handle({"Records": [sqs_record(text, sent_ms=NOON_MS)]}, context())
        printed = self._capsys.readouterr()
        written = "\n".join([json.dumps(lines, ensure_ascii=False), self._caplog.text, printed.out, printed.err])
        assert '"_aws"' in printed.out
        assert lines
        return written


@pytest.fixture
def heard(capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> Heard:
    return Heard(capsys, caplog)


def assert_discreet(written: str) -> None:
    assert [word for word in NEVER if word in written] == []


Prepare = Callable[[Vendor, Aws, pytest.MonkeyPatch], None]


def judged(vendor: Vendor, _aws: Aws, _patch: pytest.MonkeyPatch) -> None:
    vendor.says(123, body(123, goal(name=SPOKEN, why=SPOKEN)), name=NAMED)


def save_fails(vendor: Vendor, aws: Aws, patch: pytest.MonkeyPatch) -> None:
    vendor.says(123, body(123, goal(name=SPOKEN, why=SPOKEN)), name=NAMED)
    put_item = aws.dynamodb.put_item

    def fail(**asked: Any) -> Any:
        if asked["Item"]["pk"]["S"].startswith("RECORDING#"):
            raise FAILED_WRITE
        return put_item(**asked)

    patch.setattr(aws.dynamodb, "put_item", fail)


def publish_fails(vendor: Vendor, aws: Aws, _patch: pytest.MonkeyPatch) -> None:
    vendor.says(123, body(123, goal(name=SPOKEN, why=SPOKEN)), name=NAMED)
    aws.sns.delete_topic(TopicArn=aws.topic_arn)


def table_gone(_vendor: Vendor, aws: Aws, _patch: pytest.MonkeyPatch) -> None:
    aws.dynamodb.delete_table(TableName=TABLE)


def answers(status: int, text: str) -> Prepare:
    def prepare(vendor: Vendor, _aws: Aws, _patch: pytest.MonkeyPatch) -> None:
        vendor.fails(123, status, text)

    return prepare


def never_answers(error: Exception) -> Prepare:
    def prepare(vendor: Vendor, _aws: Aws, _patch: pytest.MonkeyPatch) -> None:
        vendor.fails(123, body=error)

    return prepare


EVALUATIONS: dict[str, Prepare] = {
    "judged": judged,
    "the save fails": save_fails,
    "the publish fails": publish_fails,
    "the table is gone": table_gone,
    "not JSON": answers(200, f"<html>{SPOKEN} {KEY}</html>"),
    "wrong types": answers(200, json.dumps({"data": body(123, goal(why=SPOKEN, name=SPOKEN) | {"met": SPOKEN})})),
    "no data": answers(200, json.dumps({"error": SPOKEN})),
    "another recording's": answers(200, json.dumps({"data": body(124, goal(why=SPOKEN))})),
    **{
        f"status {status}": answers(status, json.dumps({"error": f"{SPOKEN} {KEY}"}))
        for status in (301, 400, 401, 403, 404, 422, 429, 500)
    },
    "no connection": never_answers(requests.ConnectionError(f"Authorization: Bearer {KEY}")),
    "something unheard of": never_answers(ZeroDivisionError("a bug")),
}


@pytest.mark.parametrize("prepare", EVALUATIONS.values(), ids=EVALUATIONS)
def test_evaluating_a_recording(
    aws: Aws,
    vendor: Vendor,
    worker: EvaluationWorker,
    heard: Heard,
    monkeypatch: pytest.MonkeyPatch,
    prepare: Prepare,
) -> None:
    prepare(vendor, aws, monkeypatch)
    assert_discreet(heard.handling(worker, evaluate_recordings.logger, '{"recording_id": 123}'))


@pytest.mark.parametrize("text", [SPOKEN, f'{{"explanation": "{SPOKEN}"}}', f'{{"type": "x", "data": "{SPOKEN}"}}'])
def test_refusing_an_event(worker: EvaluationWorker, heard: Heard, text: str) -> None:
    assert_discreet(heard.handling(worker, evaluate_recordings.logger, text))


def test_an_invalid_key(aws: Aws, worker: EvaluationWorker, heard: Heard) -> None:
    aws.put_parameter(f"{PREFIX}/api-key", KEY + "x")
    assert_discreet(heard.handling(worker, evaluate_recordings.logger, '{"recording_id": 123}'))


POSTS: dict[str, Act] = {
    "ok": says(b"ok"),
    "a refusal": says(b"no_active_hooks", "404 Not Found"),
    "a refusal that repeats what was said": says(SPOKEN.encode(), "400 Bad Request"),
    "a proxy that repeats everything": says(f"POST {WEBHOOK_PATH}\n{SPOKEN}\n{NAMED}".encode()),
    "a 429": says(SPOKEN.encode(), "429 Too Many Requests"),
    "a 500": says(SPOKEN.encode(), "500 Internal Server Error"),
    "a lost answer": cuts(),
    "an answer that is no text": says(b"\xff", "400 Bad Request"),
}


class TestPosting:
    @pytest.fixture
    def slack(self) -> Any:
        with raw_server() as server:
            server.answers(says(b"ok"))
            yield server

    @pytest.fixture
    def poster(self, aws: Aws, slack: RawServer, clock: FakeClock) -> SlackWorker:
        aws.put_parameter(f"{PREFIX}/slack-webhook-url", slack.url + WEBHOOK_PATH)
        return slack_worker(aws, clock)

    THE_ALERT = alert(unmet(name=SPOKEN, why=SPOKEN), known=details(name=NAMED)).model_dump_json()

    @pytest.mark.parametrize("act", POSTS.values(), ids=POSTS)
    def test_an_alert(self, slack: RawServer, poster: SlackWorker, heard: Heard, act: Act) -> None:
        slack.answers(act)
        assert_discreet(heard.handling(poster, notify_slack.logger, self.THE_ALERT))

    def test_an_alert_that_is_none(self, poster: SlackWorker, heard: Heard) -> None:
        text = self.THE_ALERT.replace('"warning"', f'"{SPOKEN}"')
        assert_discreet(heard.handling(poster, notify_slack.logger, text))

    def test_a_table_that_is_gone(self, aws: Aws, poster: SlackWorker, heard: Heard) -> None:
        aws.dynamodb.delete_table(TableName=TABLE)
        assert_discreet(heard.handling(poster, notify_slack.logger, self.THE_ALERT))

    @pytest.mark.parametrize("url", ["hooks.slack.com/verysecret", "https://hooks.slack.com:verysecret/"])
    def test_a_url_that_is_none(self, aws: Aws, clock: FakeClock, heard: Heard, url: str) -> None:
        aws.put_parameter(f"{PREFIX}/slack-webhook-url", url)
        assert_discreet(heard.handling(slack_worker(aws, clock), notify_slack.logger, self.THE_ALERT))
