"""The outcome of a recording: its violations, the results they were found in, and the state of its alert.

The outcome is also the outbox of its alert: see `domain.evaluation.outbox`. Every write names the `revision` that it
replaces, so a stale write fails.
"""

import hashlib
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from pydantic_core import to_json

from domain.alerts.alert import MAX_VIOLATIONS, Alert
from domain.recording import RecordingDetails, RecordingId, Results
from domain.rules.judge import Judgement
from domain.rules.violation import Severity, Violation
from domain.triggers.source import Source

STALENESS_MARGIN_MS: Final = 2_000
"""Exceeds clock skew: an event this much older than the fetch cannot announce newer results."""


_NO_KEYWORDS: Final = frozenset({None, b"{}", b'""', b"false", b"0", b"0.0"})
"""What version 2 of the digest takes for an empty list."""


class Status(StrEnum):
    CLEAR = "clear"
    VIOLATIONS = "violations"
    NOT_FOUND = "not_found"
    ANALYSIS_FAILED = "analysis_failed"


@dataclass(frozen=True, slots=True)
class KeptViolation:
    """A violation as the outcome stores it, without its evidence."""

    rule_id: str
    subject: str
    severity: Severity
    summary: str


@dataclass(frozen=True, slots=True)
class Shadow:
    """What the shadow rules found: the first 50 as rule id and subject, and their number; the rules left unjudged."""

    found: tuple[tuple[str, str], ...] = ()
    total: int = 0
    unjudged: tuple[str, ...] = ()


NO_SHADOW: Final = Shadow()


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Fetched results: the model that is judged; as JSON text the body's `data`, and its `keywords` if it has any."""

    results: Results
    json: bytes
    keywords: bytes | None = None

    @property
    def digest(self) -> str:
        """Of all facts that a rule can read, whatever the rules: goals without explanations, pauses, keywords.

        A field that no rule reads must not change it, or tightened rules would alert an old call. `2:` is its version.
        """
        facts = {
            "goals": [goal.model_dump(exclude={"explanation"}) for goal in self.results.goals],
            "pauses": [pause.model_dump() for pause in self.results.pauses],
        }
        keywords = b"[]" if self.keywords in _NO_KEYWORDS else self.keywords or b"[]"
        text = to_json(facts).removesuffix(b"}") + b',"keywords":' + keywords + b"}"
        return f"2:{hashlib.sha256(text).hexdigest()}"

    def is_judged_by(self, outcome: "Outcome") -> bool:
        """Whether the outcome was judged from the same facts. A digest of version 1 covers the whole body."""
        stored = outcome.results_digest
        same = self.digest if stored and ":" in stored else hashlib.sha256(self.json).hexdigest()
        return outcome.judged and stored == same


@dataclass(frozen=True, slots=True)
class OutboxAlert:
    """The alert in the outbox. A pending alert has its `message`, a published one `published_at_ms`."""

    alert_id: str
    lease_until_ms: int
    message: Alert | None
    published_at_ms: int | None = None

    @property
    def pending(self) -> bool:
        return self.published_at_ms is None


@dataclass(frozen=True, slots=True)
class Outcome:
    """One recording's outcome. Times are epoch milliseconds; `revision` counts its writes from 1.

    `recording` is the canonical id, or a UUID that the vendor does not know. `snapshot` is saved and never read back.
    `alerted` holds the fingerprints of all violations ever alerted. `details` are those that were fetched, as kept.
    `unjudged` are the ids of live rules that lacked a fact.
    """

    recording: RecordingId
    status: Status
    revision: int
    source: Source
    fetch_started_ms: int
    evaluated_at_ms: int
    violations: tuple[KeptViolation, ...] = ()
    violations_total: int = 0
    results_digest: str | None = None
    rules_version: str | None = None
    goals_evaluated: bool = True
    alert: OutboxAlert | None = None
    alerted: frozenset[str] = frozenset()
    details: RecordingDetails | None = None
    unjudged: tuple[str, ...] = ()
    shadow: Shadow = NO_SHADOW
    snapshot: Snapshot | None = None

    @property
    def judged(self) -> bool:
        return self.status in {Status.CLEAR, Status.VIOLATIONS}

    @property
    def pending_alert(self) -> OutboxAlert | None:
        return self.alert if self.alert and self.alert.pending else None

    def answers(self, sent_ms: int) -> bool:
        """Whether an event sent then is old news: these results were fetched well after it."""
        return sent_ms < self.fetch_started_ms - STALENESS_MARGIN_MS

    def leased(self, until_ms: int) -> "Outcome":
        """The next revision, its pending alert leased to this worker."""
        return self._next(alert=replace(self._outbox, lease_until_ms=until_ms))

    def published_alert(self, at_ms: int) -> OutboxAlert:
        """The alert, marked as published."""
        return replace(self._outbox, published_at_ms=at_ms, message=None)

    def confirmed(self, fetch_started_ms: int, results_digest: str | None = None) -> "Outcome":
        """The next revision: the same results were fetched again. Their digest replaces one of an earlier version."""
        digest = results_digest or self.results_digest
        return replace(self._next(fetch_started_ms=max(fetch_started_ms, self.fetch_started_ms)), results_digest=digest)

    @property
    def _outbox(self) -> OutboxAlert:
        if self.alert is None:
            raise ValueError(f"recording {self.recording} has no alert")
        return self.alert

    def _next(self, *, alert: OutboxAlert | None = None, fetch_started_ms: int | None = None) -> "Outcome":
        return replace(
            self,
            revision=self.revision + 1,
            alert=alert or self.alert,
            fetch_started_ms=self.fetch_started_ms if fetch_started_ms is None else fetch_started_ms,
        )


def keep_shadow(judged: Judgement) -> Shadow:
    """The first 50 findings of shadow rules, as the outcome stores them."""
    found = tuple((violation.rule_id, violation.subject) for violation in judged.violations[:MAX_VIOLATIONS])
    return Shadow(found, len(judged.violations), judged.unjudged)


def keep(violations: tuple[Violation, ...]) -> tuple[KeptViolation, ...]:
    """The first 50 violations, as the outcome stores them."""
    return tuple(
        KeptViolation(violation.rule_id, violation.subject, violation.severity, violation.summary)
        for violation in violations[:MAX_VIOLATIONS]
    )
