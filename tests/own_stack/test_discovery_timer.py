"""The timer of the template starts discovery, in a stack of its own: in the others nothing happens by itself.

The stack has no webhook, as a stack has by default.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from local import webhooks
from local.deployment import STACK_NAME
from local.observation import mentions
from local.recordings import Recording
from local.stack import LocalStack
from tests.e2e.conftest import UNMET

FIRED_WITHIN_SECONDS = 100  # a minute, and the emulator looks at its clock every ten seconds


@pytest.fixture(scope="module")
def timed() -> Iterator[LocalStack]:
    with LocalStack("timer", overrides={"DiscoverySchedule": "rate(1 minute)", "Webhook": "off"}) as stack:
        yield stack


def test_the_timer_finds_a_recording_and_its_alert_reaches_slack(timed: LocalStack) -> None:
    created = datetime.now(UTC).isoformat()
    timed.vendor.put(Recording(60_001, "Nobody says a word", [UNMET], created_at=created))
    timed.wait_for(
        "its message in Slack",
        lambda: [message for message in timed.slack.messages() if mentions(message, 60_001)],
        within=FIRED_WITHIN_SECONDS,
    )
    outcome = timed.outcome(60_001)
    assert outcome
    assert outcome["source"] == "discovery"


def test_without_a_webhook_there_is_no_url_and_no_function_behind_one(timed: LocalStack) -> None:
    assert "WebhookUrl" not in timed.outputs
    assert timed.logical_ids("AWS::Lambda::Url") == timed.logical_ids("AWS::Lambda::Permission") == []
    assert webhooks.FUNCTION not in timed.logical_ids("AWS::Lambda::Function")


def test_the_dashboard_has_the_stacks_name(timed: LocalStack) -> None:
    assert timed.physical_id("Dashboard") == STACK_NAME
