"""The alert: what the topic receives, and how it reads to a person.

Its JSON is the contract with every subscriber (`schema_version` 1). It stays well under the 256 KB of an SNS message:
at most 50 violations, with names and explanations cut.
"""

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict

from domain import wording
from domain.recording import RecordingDetails
from domain.rules.kinds import KINDS, AnyFinding
from domain.rules.violation import Severity, Violation

MAX_VIOLATIONS: Final = 50
_NAME: Final = 120
_IN_EMAIL: Final = 20
_SUBJECT: Final = 99
"""SNS takes subjects of under 100 ASCII characters."""


class _Part(BaseModel):
    # Built with the first alert: most cold starts have none.
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True, defer_build=True)


class AlertedRecording(_Part):
    """What a person knows the recording by; each field where the vendor gave it."""

    name: str | None = None
    created_at: str | None = None
    duration_ms: int | None = None


class AlertedViolation(_Part):
    rule_id: str
    subject: str
    severity: Severity
    summary: str
    evidence: AnyFinding


class Alert(_Part):
    """One message about one recording: all violations not alerted before."""

    schema_version: Literal[1] = 1
    alert_id: str
    recording_id: int
    recording: AlertedRecording | None = None
    severity: Severity
    violations: tuple[AlertedViolation, ...]
    violations_total: int
    rule_ids: tuple[str, ...]
    evaluated_at: str

    @property
    def unlisted(self) -> int:
        """How many violations there are beyond those listed."""
        return self.violations_total - len(self.violations)

    def by_subject(self) -> Iterator[AlertedViolation]:
        """Each subject once, by its most severe violation: two rules may find the same one."""
        seen: set[str] = set()
        for violation in self.violations:
            if violation.subject not in seen:
                seen.add(violation.subject)
                yield violation

    @property
    def subjects_total(self) -> int:
        """How many subjects there are. Each violation beyond the listed ones counts as one."""
        return sum(1 for _ in self.by_subject()) + self.unlisted

    def headline(self) -> str:
        """What went wrong, in words: `1 goal not met and 2 pauses too long`."""
        if self.unlisted:
            return wording.counted(self.violations_total, "violation", "violations")
        counts = Counter(type(violation.evidence) for violation in self.by_subject())
        found = [kind.finding for kind in KINDS if kind.finding in counts]
        return wording.listed(finding.headline(counts[finding]) for finding in found)

    def recording_name(self) -> str:
        """`Support call 42`, or `recording 123` where the name is not known."""
        return (self.recording and self.recording.name) or f"recording {self.recording_id}"

    def recorded(self) -> str:
        """`recorded 2026-11-22 09:15 UTC, 4 min 5 s long`; unknown parts are left out."""
        parts = []
        if self.recording and self.recording.created_at:
            parts.append(f"recorded {wording.moment(self.recording.created_at)}")
        if self.recording and self.recording.duration_ms is not None:
            parts.append(f"{wording.length(self.recording.duration_ms)} long")
        return ", ".join(parts)


def alert_id(recording_id: int, fingerprints: Sequence[str]) -> str:
    """The same violations of the same recording always make the same id."""
    identity = "\n".join([str(recording_id), *sorted(fingerprints)])
    return hashlib.sha256(identity.encode()).hexdigest()[:24]


def compose(
    recording_id: int,
    violations: Sequence[Violation],
    details: RecordingDetails | None,
    evaluated_at: str,
) -> Alert:
    """The alert for these violations, which come most severe first."""
    return Alert(
        alert_id=alert_id(recording_id, [violation.fingerprint for violation in violations]),
        recording_id=recording_id,
        recording=_alerted_recording(details) if details else None,
        severity=violations[0].severity,
        violations=tuple(_alerted(violation) for violation in violations[:MAX_VIOLATIONS]),
        violations_total=len(violations),
        rule_ids=tuple(sorted({violation.rule_id for violation in violations})),
        evaluated_at=evaluated_at,
    )


def email_subject(alert: Alert) -> str:
    """Under 100 ASCII characters on one line, as SNS requires. So it names the recording by number."""
    return f"{alert.severity.capitalize()}: {alert.headline()} in recording {alert.recording_id}"[:_SUBJECT]


def email_text(alert: Alert) -> str:
    """The whole alert as plain text."""
    lines = [f"{alert.severity.capitalize()}: {alert.headline()} in {alert.recording_name()}.", ""]
    shown = list(alert.by_subject())[:_IN_EMAIL]
    for violation in shown:
        lines.append(f"- {violation.summary}")
        if violation.evidence.quote:
            lines.append(f"  {violation.evidence.quote}")
    missing = alert.subjects_total - len(shown)
    if missing:
        lines.append(f"- and {wording.counted(missing, 'more violation', 'more violations')}")
    recorded = alert.recorded()
    lines += [
        "",
        f"Recording {alert.recording_id}" + (f": {recorded}." if recorded else "."),
        f"Judged {wording.moment(alert.evaluated_at)} by {wording.listed(alert.rule_ids)}. Alert {alert.alert_id}.",
    ]
    return "\n".join(lines) + "\n"


def _alerted_recording(details: RecordingDetails) -> AlertedRecording:
    return AlertedRecording(
        name=wording.cut(wording.clean(details.name), _NAME) if details.name else None,
        created_at=wording.cut(wording.clean(details.created_at), _NAME) if details.created_at else None,
        duration_ms=details.duration_ms,
    )


def _alerted(violation: Violation) -> AlertedViolation:
    return AlertedViolation(
        rule_id=violation.rule_id,
        subject=violation.subject,
        severity=violation.severity,
        summary=violation.summary,
        evidence=violation.finding,
    )
