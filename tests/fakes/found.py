"""Any violations, and anything known of a recording, for property tests of what people read."""

from hypothesis import strategies as st

from domain.recording import RecordingDetails
from domain.rules.violation import Severity, Violation
from tests.fakes.make import details, long_pause, unmet

TEXTS = st.text() | st.builds(str.__mul__, st.text('"\\\n<>&\x00\u202e👩‍👧 é', max_size=9), st.just(300))
AMOUNTS = st.integers(0, 2**62 - 1)


def violations() -> st.SearchStrategy[list[Violation]]:
    severities = st.sampled_from(list(Severity))
    goals = st.builds(
        unmet,
        st.integers(-(2**63), 2**63 - 1),
        name=TEXTS,
        why=TEXTS,
        score=st.floats(allow_nan=False, allow_infinity=False),
        severity=severities,
        rule=st.sampled_from(["a", "b" * 64]),
    )
    pauses = st.builds(long_pause, AMOUNTS, start_ms=AMOUNTS, limit_ms=AMOUNTS, severity=severities)
    return st.lists(goals | pauses, min_size=1, max_size=60)


def known() -> st.SearchStrategy[RecordingDetails | None]:
    return st.none() | st.builds(details, name=st.none() | TEXTS, created_at=st.none() | TEXTS, duration_ms=AMOUNTS)
