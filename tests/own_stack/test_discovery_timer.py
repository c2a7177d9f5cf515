"""The timer of the template starts discovery, in a stack of its own: in the others nothing happens by itself.

The stack has no webhook, as a stack has by default.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

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
