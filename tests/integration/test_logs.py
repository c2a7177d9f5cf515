"""Nothing secret and nothing that people said is in what the functions log, whatever goes wrong."""

import json
import logging
from collections.abc import Callable
from typing import Any

import pytest
import requests
from botocore.exceptions import ClientError

from handlers import notify_slack
from runtime import evaluation_report
from tests.fakes.clock import NOON_MS, FakeClock
from tests.fakes.make import alert, body, details, goal, unmet
from tests.fakes.sqs import sqs_record
from tests.integration.aws import TABLE, Aws
from tests.integration.socket_server import Act, RawServer, cuts, says
from tests.integration.workers import KEY, PREFIX, Vendor, context, evaluation_worker, log_lines_of, notification_worker

SPOKEN = "my card number is 4111"
NAMED = "Call of Erika Mustermann"
WEBHOOK_PATH = "/services/T00000000/B00000000/verysecret"
NEVER = [SPOKEN, "4111", NAMED, "Mustermann", KEY, "verysecret"]
FAILED_WRITE = ClientError({"Error": {"Code": "ValidationException", "Message": "Item size exceeded"}}, "PutItem")
THE_EVENT = '{"recording_id": 123}'


class Listener:
    """Hears all that a function writes: its own lines, other libraries' warnings, and what is printed."""

    def __init__(self, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> None:
        self._capsys, self._caplog = capsys, caplog

    def assert_discreet(self, worker: Any, logger: Any, text: str) -> None:
        """Of a message with this body."""
        with self._caplog.at_level(logging.WARNING), log_lines_of(logger) as lines:
            worker.handle({"Records": [sqs_record(text, sent_ms=NOON_MS)]}, context())
        printed = self._capsys.readouterr()
        assert '"_aws"' in printed.out
        assert lines
        written = "\n".join([json.dumps(lines, ensure_ascii=False), self._caplog.text, printed.out, printed.err])
        assert [word for word in NEVER if word in written] == []


@pytest.fixture
def listener(capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> Listener:
    return Listener(capsys, caplog)


Prepare = Callable[[Vendor, Aws, pytest.MonkeyPatch], None]


def judged(vendor: Vendor, _aws: Aws, _patch: pytest.MonkeyPatch) -> None:
    vendor.says(123, body(123, goal(name=SPOKEN, why=SPOKEN)), name=NAMED)


def save_fails(vendor: Vendor, aws: Aws, patch: pytest.MonkeyPatch) -> None:
    judged(vendor, aws, patch)
    put_item = aws.dynamodb.put_item

    def fail(**asked: Any) -> Any:
        if asked["Item"]["pk"]["S"].startswith("RECORDING#"):
            raise FAILED_WRITE
        return put_item(**asked)

    patch.setattr(aws.dynamodb, "put_item", fail)


def publish_fails(vendor: Vendor, aws: Aws, patch: pytest.MonkeyPatch) -> None:
    judged(vendor, aws, patch)
    aws.sns.delete_topic(TopicArn=aws.topic_arn)


def table_gone(_vendor: Vendor, aws: Aws, _patch: pytest.MonkeyPatch) -> None:
    aws.dynamodb.delete_table(TableName=TABLE)


def answers(status: int = 500, text: Any = "") -> Prepare:
    """An exception instead of a text is raised."""
    return lambda vendor, _aws, _patch: vendor.fails(123, status, text)


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
    "no connection": answers(text=requests.ConnectionError(f"Authorization: Bearer {KEY}")),
    "an unexpected error": answers(text=ZeroDivisionError("a bug")),
    "an invalid key": lambda _vendor, aws, _patch: aws.put_parameter(f"{PREFIX}/api-key", KEY + "x"),
}


class TestEvaluating:
    @pytest.fixture
    def worker(self, aws: Aws, clock: FakeClock) -> Any:
        aws.put_parameter(f"{PREFIX}/api-key", KEY)
        return evaluation_worker(aws, clock)

    @pytest.mark.parametrize("prepare", EVALUATIONS.values(), ids=EVALUATIONS)
    def test_an_evaluation_logs_no_secret_and_no_spoken_word(
        self,
        aws: Aws,
        vendor: Vendor,
        worker: Any,
        listener: Listener,
        monkeypatch: pytest.MonkeyPatch,
        prepare: Prepare,
    ) -> None:
        prepare(vendor, aws, monkeypatch)
        listener.assert_discreet(worker, evaluation_report.logger, THE_EVENT)

    @pytest.mark.parametrize("text", [SPOKEN, f'{{"explanation": "{SPOKEN}"}}', f'{{"type": "x", "data": "{SPOKEN}"}}'])
    def test_a_malformed_event_is_not_logged(self, worker: Any, listener: Listener, text: str) -> None:
        listener.assert_discreet(worker, evaluation_report.logger, text)


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
    THE_ALERT = alert(unmet(name=SPOKEN, why=SPOKEN), known=details(name=NAMED)).model_dump_json()

    @pytest.fixture
    def poster(self, aws: Aws, server: RawServer, clock: FakeClock) -> Any:
        aws.put_parameter(f"{PREFIX}/slack-webhook-url", server.url + WEBHOOK_PATH)
        return notification_worker(aws, clock)

    @pytest.mark.parametrize("act", POSTS.values(), ids=POSTS)
    def test_a_post_logs_no_secret_and_no_spoken_word(
        self, server: RawServer, poster: Any, listener: Listener, act: Act
    ) -> None:
        server.answers(act)
        listener.assert_discreet(poster, notify_slack.logger, self.THE_ALERT)
