"""Makers of recordings, results, events and alerts: only what a test is about needs to be said."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from pydantic_core import to_json

from domain.alerts import alert as alerts
from domain.alerts.alert import Alert
from domain.evaluation.event import RecordingEvent
from domain.evaluation.outcome import Snapshot
from domain.recording import Goal, Pause, RecordingDetails, RecordingId, Results
from domain.retry import History
from domain.rules.call import Call
from domain.rules.document import RuleSet
from domain.rules.kinds.all_of import AllMet
from domain.rules.kinds.goal_unmet import UnmetGoal
from domain.rules.kinds.keyword_missing import MissingKeyword
from domain.rules.kinds.pause_too_long import LongPause
from domain.rules.violation import Severity, Violation
from domain.triggers.source import Source
from tests.fakes.clock import NOON_MS

UUID = "01938c5e-7a10-7000-8000-000000000123"
JUDGED_AT = "2026-11-23T12:00:00.000Z"


def goal(
    goal_id: int = 1,
    *,
    met: bool = False,
    score: float = 0.3,
    name: str = "Offer Follow-up",
    why: str | None = "No offer.",
) -> dict[str, Any]:
    """A goal as the vendor spells it."""
    return {"goal_id": goal_id, "goal_name": name, "met": met, "score": score, "explanation": why}


def pause(
    duration_ms: int = 7_000, *, start_ms: int = 95_000, compliant: bool = False, after: int | None = 472
) -> dict[str, Any]:
    """A pause as the vendor spells it."""
    return {
        "start_ms": start_ms,
        "end_ms": start_ms + duration_ms,
        "duration_ms": duration_ms,
        "compliant": compliant,
        "after_dialogue_id": after,
    }


def body(recording: int = 123, *found: dict[str, Any]) -> dict[str, Any]:
    """The `data` of a results body with these goals and pauses."""
    return {
        "recording_id": recording,
        "goals": [each for each in found if "goal_id" in each],
        "pauses": [each for each in found if "start_ms" in each],
    }


def keyword(
    keyword_id: int = 7,
    name: str = "refund",
    *,
    at: Sequence[int] = (95_000,),
    count: int | None = None,
    tone: str = "neutral",
) -> dict[str, Any]:
    """A keyword as the vendor spells it, said at these places."""
    return {
        "keyword_id": keyword_id,
        "keyword_name": name,
        "sentiment": tone,
        "count": len(at) if count is None else count,
        "timestamps_ms": list(at),
    }


def call(
    *found: dict[str, Any], known: RecordingDetails | None = None, recording: int = 123, goals_known: bool = True
) -> Call:
    """A call with these goals, pauses and keywords, as rules judge it. Without a keyword, the body has no keywords."""
    keywords = [each for each in found if "keyword_id" in each]
    results = Results.model_validate(body(recording, *found))
    return Call(results, to_json(keywords) if keywords else None, known, goals_known)


def silent_call(known: RecordingDetails | None = None) -> Call:
    """A call whose body has keywords, of which none was said."""
    return Call(Results.model_validate(body()), b"[]", known)


def rules(*each: dict[str, Any]) -> RuleSet:
    return RuleSet.model_validate({"version": 1, "rules": list(each)})


def goal_rule(**fields: Any) -> dict[str, Any]:
    return {"id": "g", "when": "goal_unmet", "severity": "warning"} | fields


def pause_rule(longer_than_ms: int = 5_000, **fields: Any) -> dict[str, Any]:
    return {"id": "p", "when": "pause_too_long", "severity": "warning", "longer_than_ms": longer_than_ms} | fields


def snapshot(*found: dict[str, Any], recording: int = 123, **more: Any) -> Snapshot:
    data = body(recording, *found) | more
    return Snapshot(
        Results.model_validate(data), to_json(data), to_json(data["keywords"]) if "keywords" in data else None
    )


def details(**known: Any) -> RecordingDetails:
    """What `GET /recordings/:id` says: completed and with its goals evaluated, unless told otherwise."""
    usual = {"id": 123, "name": "Support call 42", "created_at": "2026-11-22T09:15:00Z", "duration_ms": 245_000}
    return RecordingDetails.model_validate(usual | {"status": "completed", "goals_evaluated": True} | known)


def event(
    recording: RecordingId = 123,
    *,
    sent_ms: int = NOON_MS,
    source: Source = Source.QUEUE,
    history: History | None = None,
) -> RecordingEvent:
    return RecordingEvent(recording, source, history or fresh_history(sent_ms))


def fresh_history(sent_ms: int = NOON_MS) -> History:
    return History(first_sent_ms=sent_ms, copied_ms=sent_ms)


def unmet(
    goal_id: int = 1,
    *,
    name: str = "Offer Follow-up",
    score: float = 0.3,
    why: str | None = "No offer.",
    rule: str = "unmet-goal",
    severity: Severity = Severity.WARNING,
) -> Violation:
    found = Goal(goal_id=goal_id, goal_name=name, met=False, score=score, explanation=why)
    return Violation(rule, severity, UnmetGoal.of(found))


def long_pause(
    duration_ms: int = 7_000,
    *,
    start_ms: int = 95_000,
    limit_ms: int = 5_000,
    rule: str = "long-pause",
    severity: Severity = Severity.WARNING,
) -> Violation:
    found = Pause(start_ms=start_ms, end_ms=start_ms + duration_ms, duration_ms=duration_ms, compliant=False)
    return Violation(rule, severity, LongPause.of(found, limit_ms))


def missing(name: str = "consent", *, rule: str = "consent", severity: Severity = Severity.WARNING) -> Violation:
    return Violation(rule, severity, MissingKeyword(keyword_name=name))


def both(parts: Sequence[Violation], *, rule: str = "both", severity: Severity = Severity.WARNING) -> Violation:
    """What an `all` rule finds where its conditions found these."""
    return Violation(rule, severity, AllMet(of=AllMet.parts([part.finding for part in parts])))


def told(violation: Violation, help_text: str | None, scope_unknown: tuple[str, ...] = ()) -> Violation:
    """The violation of a rule with this help, its scope perhaps unknown."""
    return replace(violation, help=help_text, scope_unknown=scope_unknown)


def alert(
    *violations: Violation, recording: int = 123, known: RecordingDetails | None = None, judged_at: str = JUDGED_AT
) -> Alert:
    return alerts.compose(recording, violations or (unmet(), long_pause()), known, judged_at)
