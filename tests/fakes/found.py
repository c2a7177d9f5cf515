"""Any violations, and anything known of a recording, for property tests of what people read."""

from hypothesis import strategies as st

from domain.recording import RecordingDetails
from domain.rules.violation import Severity, Violation
from tests.fakes.make import both, details, long_pause, missing, told, unmet

TEXTS = st.text() | st.builds(str.__mul__, st.text('"\\\n<>&\x00\u202e👩‍👧 é', max_size=9), st.just(300))
HELPS = st.none() | st.text(min_size=1, max_size=200) | st.sampled_from(["&" * 200, "\n> <@U1>"])
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
    simple = goals | pauses | st.builds(missing, st.text(min_size=1, max_size=120), severity=severities)
    combined = st.builds(both, st.lists(simple, min_size=1, max_size=8), severity=severities)
    found = st.builds(told, simple | combined, HELPS, st.sampled_from([(), ("languages", "longer_than_ms")]))
    return st.lists(found, min_size=1, max_size=60)


def known() -> st.SearchStrategy[RecordingDetails | None]:
    return st.none() | st.builds(details, name=st.none() | TEXTS, created_at=st.none() | TEXTS, duration_ms=AMOUNTS)
