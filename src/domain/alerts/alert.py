"""The alert: what the topic receives, and how it reads to a person.

Its JSON is the contract with every subscriber (`schema_version` 1). It stays well under the 256 KB of an SNS message:
at most 50 violations, with names and explanations cut, and fewer where they are long.
"""

import hashlib
import operator
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from domain import wording
from domain.recording import RecordingDetails
from domain.rules.kinds.any_kind import AnyFinding
from domain.rules.violation import Finding, Severity, Violation, is_none

MAX_VIOLATIONS: Final = 50
_NAME: Final = 120
_JSON_BYTES: Final = 150_000
"""As a text within the JSON of the SNS message, where quotes and backslashes count twice."""
_IN_EMAIL: Final = 20
_EMAIL: Final = 12_000
"""Characters of all violations together."""
_SUBJECT: Final = 99
"""SNS takes subjects of under 100 ASCII characters."""


_SCOPE_WORDS: Final = {
    "languages": "language",
    "recording_names": "name",
    "longer_than_ms": "length",
    "shorter_than_ms": "length",
}


class _Part(BaseModel):
    # Built with the first alert: most cold starts have none.
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True, defer_build=True)


class AlertedRecording(_Part):
    """What a person knows the recording by; each field where the vendor gave it."""

    name: str | None = None
    created_at: str | None = None
    duration_ms: int | None = None


class AlertedViolation(_Part):
    """`help` is the rule's. `scope_unknown` names the fields of its scope that nobody could check."""

    rule_id: str
    subject: str
    severity: Severity
    summary: str
    evidence: AnyFinding
    help: Annotated[str | None, Field(exclude_if=is_none)] = None
    scope_unknown: Annotated[tuple[str, ...], Field(exclude_if=operator.not_)] = ()


@dataclass(frozen=True, slots=True)
class Told:
    """What people see once: a finding, what every rule that found it says, and what keeps their scopes unchecked."""

    severity: Severity
    summary: str
    finding: Finding
    helps: tuple[str, ...]
    unchecked: str


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

    def told(self) -> list[Told]:
        """The violations as people see them. A goal or a pause that several rules found comes once, most severe."""
        alike: dict[tuple[str, str], list[AlertedViolation]] = {}
        for violation in self.violations:
            by_rule = "" if violation.evidence.merges else violation.rule_id
            alike.setdefault((by_rule, violation.subject), []).append(violation)
        return [_told(violations) for violations in alike.values()]

    @property
    def told_total(self) -> int:
        """How many there are to see. Each violation beyond the listed ones counts as one."""
        return len(self.told()) + self.unlisted

    def headline(self) -> str:
        """What went wrong, in words: `1 goal not met and 2 pauses too long`."""
        if self.unlisted:
            return wording.counted(self.violations_total, "violation", "violations")
        from domain.rules.kinds.every import KINDS  # noqa: PLC0415 - most cold starts have no alert

        counts = Counter(type(told.finding) for told in self.told())
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
    alert = Alert(
        alert_id=alert_id(recording_id, [violation.fingerprint for violation in violations]),
        recording_id=recording_id,
        recording=_alerted_recording(details) if details else None,
        severity=violations[0].severity,
        violations=tuple(_alerted(violation) for violation in violations[:MAX_VIOLATIONS]),
        violations_total=len(violations),
        rule_ids=tuple(sorted({violation.rule_id for violation in violations})),
        evaluated_at=evaluated_at,
    )
    while len(alert.violations) > 1 and _size(alert) > _JSON_BYTES:
        alert = alert.model_copy(update={"violations": alert.violations[: len(alert.violations) * 3 // 4]})
    return alert


def email_subject(alert: Alert) -> str:
    """Under 100 ASCII characters on one line, as SNS requires. So it names the recording by number."""
    return f"{alert.severity.capitalize()}: {alert.headline()} in recording {alert.recording_id}"[:_SUBJECT]


def email_text(alert: Alert) -> str:
    """The whole alert as plain text."""
    lines = [f"{alert.severity.capitalize()}: {alert.headline()} in {alert.recording_name()}.", ""]
    shown, used = 0, 0
    for told in alert.told()[:_IN_EMAIL]:
        of_it = [f"- {told.summary}"]
        of_it += [f"  {line}" for line in (told.finding.quote, *map(what_to_do, told.helps), told.unchecked) if line]
        used += sum(map(len, of_it))
        if used > _EMAIL:
            break
        lines += of_it
        shown += 1
    missing = alert.told_total - shown
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


def what_to_do(help_text: str) -> str:
    return f"What to do: {help_text}"


def _told(alike: Sequence[AlertedViolation]) -> Told:
    first = alike[0]
    helps = dict.fromkeys(violation.help for violation in alike if violation.help)
    unknown = dict.fromkeys(_SCOPE_WORDS.get(field, field) for each in alike for field in each.scope_unknown)
    are = "is" if len(unknown) == 1 else "are"
    unchecked = f"Perhaps out of scope: the recording's {wording.listed(unknown)} {are} not known." if unknown else ""
    return Told(first.severity, first.summary, first.evidence, tuple(helps), unchecked)


def _size(alert: Alert) -> int:
    text = alert.model_dump_json().encode()
    return len(text) + text.count(b'"') + text.count(b"\\")


def _alerted(violation: Violation) -> AlertedViolation:
    return AlertedViolation(
        rule_id=violation.rule_id,
        subject=violation.subject,
        severity=violation.severity,
        summary=violation.summary,
        evidence=violation.finding,
        help=wording.clean(violation.help or "") or None,
        scope_unknown=violation.scope_unknown,
    )
