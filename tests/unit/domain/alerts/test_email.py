"""The alert as an e-mail, and the size of the SNS message that carries it."""

import json
from collections.abc import Callable

import pytest
from hypothesis import given

from domain.alerts.alert import Alert, email_subject, email_text
from domain.recording import RecordingDetails
from domain.rules.violation import Severity, Violation
from tests.fakes.found import known, violations
from tests.fakes.make import alert, both, details, long_pause, told, unmet


def test_subject_and_text_read_well_alone() -> None:
    composed = alert(unmet(severity=Severity.CRITICAL), long_pause(), known=details())
    assert email_subject(composed) == "Critical: 1 goal not met and 1 pause too long in recording 123"
    assert email_text(composed) == (
        "Critical: 1 goal not met and 1 pause too long in Support call 42.\n"
        "\n"
        "- Goal not met: Offer Follow-up, score 0.30\n"
        "  No offer.\n"
        "- Pause too long: 7.0 s at 1:35, limit 5.0 s\n"
        "\n"
        "Recording 123: recorded 2026-11-22 09:15 UTC, 4 min 5 s long.\n"
        f"Judged 2026-11-23 12:00 UTC by long-pause and unmet-goal. Alert {composed.alert_id}.\n"
    )


def test_without_details_it_says_what_it_knows() -> None:
    assert "\nRecording 123.\n" in email_text(alert())


@pytest.mark.parametrize(
    ("found", "shown", "rest"),
    [
        ([unmet(number) for number in range(20)], 20, None),
        ([unmet(number) for number in range(21)], 20, "and 1 more violation"),
        ([unmet(number) for number in range(60)], 20, "and 40 more violations"),
        # The same goals by two rules are told once, and nothing is missing.
        ([unmet(number, rule=rule) for rule in "ab" for number in range(20)], 20, None),
        # 48 of the 50 listed are about 12 goals only; the unlisted ones must be counted too.
        ([unmet(number, rule=rule) for number in range(14) for rule in "abcd"], 13, "and 6 more violations"),
    ],
    ids=["all fit", "one too many", "beyond what is listed", "by two rules", "few subjects, many violations"],
)
def test_violations_that_do_not_fit_are_counted(found: list[Violation], shown: int, rest: str | None) -> None:
    lines = email_text(alert(*found)).splitlines()
    assert sum(line.startswith("- Goal not met") for line in lines) == shown
    assert [line.removeprefix("- ") for line in lines if line.startswith("- and")] == ([rest] if rest else [])


@given(found=violations(), details=known())
def test_the_subject_is_one_line_of_ascii_under_100(found: list[Violation], details: RecordingDetails | None) -> None:
    subject = email_subject(alert(*found, recording=2**63 - 1, known=details))
    assert subject.isascii()
    assert subject.isprintable()
    assert 0 < len(subject) < 100


@given(found=violations(), details=known())
def test_no_foreign_text_can_add_a_line(found: list[Violation], details: RecordingDetails | None) -> None:
    composed = alert(*found, known=details)
    told = list(composed.told())[:20]
    extra = sum(bool(each.finding.quote) + len(each.helps) + bool(each.unchecked) for each in told)
    lines = email_text(composed).splitlines()
    assert len(lines) <= 2 + len(told) + extra + 1 + 3
    assert sum(line.startswith("- ") for line in lines) <= len(told) + 1


def sns_bytes(composed: Alert) -> int:
    """The message as the topic gets it: both texts in one JSON object."""
    return len(
        json.dumps({"default": composed.model_dump_json(), "email": email_text(composed)}, ensure_ascii=False).encode()
    )


def goals_of(text: str) -> list[Violation]:
    return [
        unmet(-(2**63) + n, name=text * 9_000, why=text * 9_000, score=-1e308, rule=f"{n % 50:064}")
        for n in range(2_000)
    ]


def combinations_of(text: str) -> list[Violation]:
    """Of eight such goals each, with the longest help and all that can be said about a scope."""
    parts = goals_of(text)[:8]
    return [told(both(parts, rule=f"{n:064}"), text * 200, ("languages", "recording_names")) for n in range(50)]


@pytest.mark.parametrize("found", [goals_of, combinations_of])
def test_the_largest_alert_stays_well_under_the_256_kb_of_an_sns_message(
    found: Callable[[str], list[Violation]],
) -> None:
    """Every text as long as it may be, and each character as costly as JSON within JSON makes it."""
    worst = max(
        (
            alert(
                *found(text),
                recording=2**63 - 1,
                known=details(name=text * 9_000, created_at=text * 9_000, duration_ms=2**63 - 1),
            )
            for text in ("👋", '"', "\\", "說")
        ),
        key=sns_bytes,
    )
    attributes = json.dumps(worst.rule_ids)
    assert 100_000 < sns_bytes(worst) < 240_000
    assert sns_bytes(worst) + len(attributes) < 262_144
    assert len(worst.violations) >= 8
    assert worst.violations_total == len(found("x"))


def test_help_and_an_unknown_scope_stand_under_what_was_found() -> None:
    found = told(unmet(why="No offer."), "Call\nthe customer back.", ("languages", "longer_than_ms", "shorter_than_ms"))
    assert email_text(alert(found)).splitlines()[2:6] == [
        "- Goal not met: Offer Follow-up, score 0.30",
        "  No offer.",
        "  What to do: Call the customer back.",
        "  Perhaps out of scope: the recording's language and length are not known.",
    ]


def test_a_goal_of_two_rules_is_told_once_with_the_help_of_both() -> None:
    found = [
        told(unmet(rule=rule), text) for rule, text in (("a", "First."), ("b", None), ("c", "Then."), ("d", "First."))
    ]
    helps = [line for line in email_text(alert(*found)).splitlines() if "What to do" in line]
    assert helps == ["  What to do: First.", "  What to do: Then."]
