"""The alert: its contract with subscribers, and how it reads to a person."""

import json

import pytest
from hypothesis import given

from domain.alerts.alert import MAX_VIOLATIONS, Alert, alert_id
from domain.recording import RecordingDetails
from domain.rules.kinds.goal_unmet import UnmetGoal
from domain.rules.violation import Severity, Violation
from tests.fakes.found import known, violations
from tests.fakes.make import JUDGED_AT, alert, both, details, long_pause, missing, told, unmet


def test_its_json_is_the_contract_with_subscribers() -> None:
    published = json.loads(alert(unmet(3), long_pause(), known=details()).model_dump_json())
    assert published == {
        "schema_version": 1,
        "alert_id": published["alert_id"],
        "recording_id": 123,
        "recording": {"name": "Support call 42", "created_at": "2026-11-22T09:15:00Z", "duration_ms": 245_000},
        "severity": "warning",
        "violations": [
            {
                "rule_id": "unmet-goal",
                "subject": "goal:3",
                "severity": "warning",
                "summary": "Goal not met: Offer Follow-up, score 0.30",
                "evidence": {
                    "kind": "goal_unmet",
                    "goal_id": 3,
                    "goal_name": "Offer Follow-up",
                    "score": 0.3,
                    "explanation": "No offer.",
                },
            },
            {
                "rule_id": "long-pause",
                "subject": "pause:95000-102000",
                "severity": "warning",
                "summary": "Pause too long: 7.0 s at 1:35, limit 5.0 s",
                "evidence": {
                    "kind": "pause_too_long",
                    "start_ms": 95_000,
                    "end_ms": 102_000,
                    "duration_ms": 7_000,
                    "limit_ms": 5_000,
                    "after_dialogue_id": None,
                },
            },
        ],
        "violations_total": 2,
        "rule_ids": ["long-pause", "unmet-goal"],
        "evaluated_at": JUDGED_AT,
    }


def test_the_first_fifty_are_listed_and_the_total_told() -> None:
    composed = alert(*(unmet(number, rule=f"r{number}") for number in range(60)))
    assert (len(composed.violations), composed.violations_total, composed.unlisted) == (MAX_VIOLATIONS, 60, 10)
    assert "r59" in composed.rule_ids


def test_evidence_is_cut_to_a_few_hundred_characters() -> None:
    evidence = alert(unmet(name="n" * 9_000, why="w" * 9_000)).violations[0].evidence
    assert isinstance(evidence, UnmetGoal)
    assert len(evidence.goal_name) == 120
    assert evidence.explanation
    assert len(evidence.explanation) <= 300
    assert evidence.explanation.endswith("characters)")


@pytest.mark.parametrize("why", [None, "", " \n"])
def test_an_explanation_without_words_is_none(why: str | None) -> None:
    evidence = alert(unmet(why=why)).violations[0].evidence
    assert isinstance(evidence, UnmetGoal)
    assert evidence.explanation is None


class TestAlertId:
    def test_the_order_of_the_violations_does_not_matter(self) -> None:
        assert alert_id(1, ["a", "b"]) == alert_id(1, ["b", "a"])

    @pytest.mark.parametrize("other", [alert_id(2, ["a", "b"]), alert_id(1, ["a"]), alert_id(1, ["ab"])])
    def test_other_violations_or_another_recording_make_another(self, other: str) -> None:
        assert alert_id(1, ["a", "b"]) != other

    def test_neither_time_nor_names_nor_details_are_in_it(self) -> None:
        one = alert(unmet(1, score=0.1), known=details())
        other = alert(unmet(1, name="renamed"), judged_at="2027-01-01T00:00:00.000Z")
        assert one.alert_id == other.alert_id


class TestWords:
    @pytest.mark.parametrize(
        ("found", "headline"),
        [
            ([unmet()], "1 goal not met"),
            ([unmet(1), unmet(2)], "2 goals not met"),
            ([long_pause()], "1 pause too long"),
            ([unmet(), long_pause(), long_pause(start_ms=1)], "1 goal not met and 2 pauses too long"),
            ([unmet(rule="a"), unmet(rule="b")], "1 goal not met"),
            ([unmet(number) for number in range(60)], "60 violations"),
        ],
    )
    def test_the_headline_counts_each_kind(self, found: list[Violation], headline: str) -> None:
        assert alert(*found).headline() == headline

    def test_a_subject_two_rules_name_is_told_once_by_the_most_severe(self) -> None:
        seen = alert(unmet(rule="a", severity=Severity.CRITICAL), unmet(rule="b")).told()
        assert [(each.summary, each.severity) for each in seen] == [
            ("Goal not met: Offer Follow-up, score 0.30", "critical")
        ]

    @pytest.mark.parametrize(
        ("known_as", "name", "recorded"),
        [
            (None, "recording 123", ""),
            (details(), "Support call 42", "recorded 2026-11-22 09:15 UTC, 4 min 5 s long"),
            (details(name=None), "recording 123", "recorded 2026-11-22 09:15 UTC, 4 min 5 s long"),
            (details(name="", created_at=None), "recording 123", "4 min 5 s long"),
            (details(duration_ms=None), "Support call 42", "recorded 2026-11-22 09:15 UTC"),
            (details(duration_ms=0, created_at=None), "Support call 42", "0 s long"),
            (details(created_at="last week"), "Support call 42", "recorded last week, 4 min 5 s long"),
        ],
    )
    def test_what_a_person_knows_the_recording_by(
        self, known_as: RecordingDetails | None, name: str, recorded: str
    ) -> None:
        composed = alert(known=known_as)
        assert (composed.recording_name(), composed.recorded()) == (name, recorded)


def test_help_and_what_is_unknown_of_the_scope_join_the_json_where_there_is_any() -> None:
    found = told(unmet(), "Call back.", ("languages",)), long_pause()
    goal, pause = json.loads(alert(*found).model_dump_json())["violations"]
    assert (goal["help"], goal["scope_unknown"]) == ("Call back.", ["languages"])
    assert pause.keys() == {"rule_id", "subject", "severity", "summary", "evidence"}


def test_only_goals_and_pauses_of_several_rules_are_told_once() -> None:
    found = [kind(rule=rule) for kind in (unmet, long_pause, missing) for rule in "ab"]
    combined = [both([unmet()], rule=rule) for rule in "ab"]
    assert len(alert(*found, *combined).told()) == 1 + 1 + 2 + 2


@given(found=violations(), details=known())
def test_an_alert_survives_its_way_through_the_topic(found: list[Violation], details: RecordingDetails | None) -> None:
    composed = alert(*found, known=details)
    assert Alert.model_validate_json(composed.model_dump_json()) == composed


WHOLE = alert().model_dump_json()
MALFORMED = [
    *("", "{", "null", "[]", "{}", '{"schema_version": 2}', WHOLE[:-1]),
    WHOLE.replace('"warning"', '"urgent"'),
    WHOLE.replace('"schema_version":1', '"schema_version":2'),
    WHOLE.replace('"goal_unmet"', '"goal_met"'),
]


@pytest.mark.parametrize("text", MALFORMED, ids=lambda text: text[:20])
def test_a_text_that_is_not_an_alert_is_refused_and_not_shown(text: str) -> None:
    with pytest.raises(ValueError, match="validation error") as refused:
        Alert.model_validate_json(text)
    assert "No offer." not in str(refused.value)
