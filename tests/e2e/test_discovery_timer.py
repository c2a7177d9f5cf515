"""The timer of the template starts discovery, in a stack of its own: in the others nothing happens by itself."""

from __future__ import annotations

from datetime import UTC, datetime

from local.observation import mentions
from local.recordings import Recording
from local.stack import LocalStack
from tests.e2e.conftest import UNMET

FIRED_WITHIN_SECONDS = 100  # a minute, and the emulator looks at its clock every ten seconds


def test_a_recording_is_found_evaluated_and_alerted_with_nobody_doing_anything() -> None:
    with LocalStack("timer", overrides={"DiscoverySchedule": "rate(1 minute)"}) as stack:
        created = datetime.now(UTC).isoformat()
        stack.vendor.put(Recording(60_001, "Nobody says a word", [UNMET], created_at=created))
        stack.wait_for(
            "its message in Slack",
            lambda: [message for message in stack.slack.messages() if mentions(message, 60_001)],
            within=FIRED_WITHIN_SECONDS,
        )
        outcome = stack.outcome(60_001)
        assert outcome
        assert outcome["source"] == "discovery"
