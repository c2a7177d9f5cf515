"""The comparison of two documents over stored outcomes: what is counted, and what never passes for silent."""

import json
from random import Random
from typing import Any
from unittest.mock import Mock

from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from domain.backtest.backtest import Backtest, Judged
from domain.backtest.stored import NotJudged, StoredOutcome
from domain.recording import RecordingDetails, Results
from domain.rules.call import Call
from domain.rules.document import RuleSet
from domain.rules.judge import judge, judge_shadow
from domain.rules.violation import fingerprint
from tests.fakes.make import JUDGED_AT, body, details, goal, goal_rule, keyword, pause, pause_rule, rules


def stored(
    *found: dict[str, Any],
    recording: int = 123,
    known: RecordingDetails | None = None,
    version: str | None = None,
    **more: Any,
) -> StoredOutcome:
    """An outcome with these goals, pauses and keywords. Without a keyword, the body has no keywords."""
    keywords = [each for each in found if "keyword_id" in each]
    data = body(recording, *found) | ({"keywords": keywords} if keywords else {}) | more
    return StoredOutcome(recording, JUDGED_AT, json.dumps(data), known, rules_version=version)


def compared(now: RuleSet, before: RuleSet, *outcomes: StoredOutcome, **options: Any) -> Backtest:
    backtest = Backtest(now, before, **options)
    for outcome in outcomes:
        backtest.add(outcome)
    return backtest


def counts(backtest: Backtest, rule_id: str) -> tuple[int, int, int, int]:
    tally = backtest.tally.rules[rule_id]
    return tally.now, tally.before, tally.new, tally.gone


STRICT, LENIENT = rules(pause_rule(3_000)), rules(pause_rule(8_000))
CALLS = [stored(pause(length), recording=length) for length in (2_000, 4_000, 9_000)]


def test_a_call_is_new_or_gone_where_one_document_alone_finds_something() -> None:
    assert counts(compared(STRICT, LENIENT, *CALLS), "p") == (2, 1, 1, 0)
    assert counts(compared(LENIENT, STRICT, *CALLS), "p") == (1, 2, 0, 1)


def test_ids_are_kept_where_they_are_asked_for() -> None:
    backtest = compared(STRICT, LENIENT, *CALLS, keep_ids=True)
    assert {rule_id: list(ids) for rule_id, ids in backtest.new_ids.items()} == {"p": [4_000]}
    assert not backtest.gone_ids
    assert not compared(STRICT, LENIENT, *CALLS).new_ids["p"]


def test_a_call_about_other_subjects_has_changed() -> None:
    two = stored(goal(1, score=0.1), goal(2, score=0.4))
    backtest = compared(rules(goal_rule(score_below=0.3)), rules(goal_rule()), two)
    assert (counts(backtest, "g"), backtest.tally.rules["g"].changed) == ((1, 1, 0, 0), 1)


def test_a_rule_of_one_document_is_all_new_or_all_gone() -> None:
    backtest = compared(rules(goal_rule()), rules(pause_rule()), stored(goal(), pause()))
    assert counts(backtest, "g") == (1, 0, 1, 0)
    assert counts(backtest, "p") == (0, 1, 0, 1)


def test_only_live_rules_make_alerts_and_rules_that_are_off_are_not_judged() -> None:
    modes = rules(goal_rule(mode="shadow"), pause_rule(mode="off"))
    backtest = compared(modes, rules(goal_rule(), pause_rule()), stored(goal(), pause()))
    assert (backtest.tally.alerts_now, backtest.tally.alerts_before) == (0, 1)
    assert counts(backtest, "g") == (1, 1, 0, 0)
    assert counts(backtest, "p") == (0, 1, 0, 1)


class TestUnjudged:
    """It is neither new nor gone, and what is missing is named."""

    def test_without_keywords(self) -> None:
        said = {"id": "k", "when": "keyword_said", "severity": "info", "keyword_names": ["refund"]}
        without, malformed, with_one = stored(), stored(keywords=[{"a": 1}], recording=5), stored(keyword())
        backtest = compared(rules(said), rules(said | {"times": 2}), without, malformed, with_one)
        tally = backtest.tally.rules["k"]
        assert counts(backtest, "k") == (1, 0, 1, 0)
        assert tally.unjudged == tally.unjudged_before == {"the keywords": 1, "keywords that can be read": 1}

    def test_without_the_details_of_a_scope(self) -> None:
        scoped = rules(pause_rule(scope={"languages": ["de"]}))
        outcomes = [stored(pause(), known=known) for known in (None, details(), details(language="fr"))]
        backtest = compared(scoped, rules(pause_rule()), *outcomes, stored(known=None))
        tally = backtest.tally.rules["p"]
        assert tally.unjudged == {"the recording's details": 1}
        assert (counts(backtest, "p"), tally.scope_unknown) == ((1, 3, 0, 1), 1)

    def test_goals_that_nobody_waited_for(self) -> None:
        waiting = rules(goal_rule())
        outcomes = [stored(), stored(version=waiting.digest), stored(version="another")]
        assert compared(waiting, rules(pause_rule()), *outcomes).tally.rules["g"].unjudged == {"the goals": 2}

    def test_goals_that_were_waited_for_in_vain(self) -> None:
        in_vain = StoredOutcome(1, JUDGED_AT, json.dumps(body()), goals_evaluated=False)
        assert not compared(rules(goal_rule()), rules(), in_vain).tally.rules["g"].unjudged

    def test_results_that_cannot_be_read(self) -> None:
        tally = compared(STRICT, LENIENT, StoredOutcome(1, JUDGED_AT, "{"), *CALLS).tally
        assert (tally.outcomes, tally.judged, tally.not_judged) == (4, 3, {NotJudged.UNREADABLE: 1})


class TestVerdicts:
    def weighed(self, now: RuleSet, before: RuleSet, verdict: str, *found: dict[str, Any]) -> tuple[int, int]:
        marks = (fingerprint("g", "goal:1"), fingerprint("k", "keyword:7"))
        answers = {123: dict.fromkeys(marks, verdict)}
        backtest = Backtest(now, before, verdicts=answers.__getitem__)
        backtest.add(stored(*found or (goal(1),)))
        return backtest.tally.false_alarms_removed, backtest.tally.confirmed_lost

    def test_what_is_found_no_longer_is_removed_or_lost(self) -> None:
        assert self.weighed(rules(), rules(goal_rule()), "false_alarm") == (1, 0)
        assert self.weighed(rules(), rules(goal_rule()), "confirmed") == (0, 1)
        assert self.weighed(rules(goal_rule()), rules(goal_rule()), "confirmed") == (0, 0)

    def test_a_rule_in_the_shadow_shows_nobody_anything(self) -> None:
        assert self.weighed(rules(goal_rule(mode="shadow")), rules(goal_rule()), "confirmed") == (0, 1)
        assert self.weighed(rules(), rules(goal_rule(mode="shadow")), "confirmed") == (0, 0)

    def test_a_goal_that_another_rule_finds_is_not_lost(self) -> None:
        assert self.weighed(rules(goal_rule(id="renamed")), rules(goal_rule()), "confirmed") == (0, 0)

    def test_a_keyword_of_another_rule_is(self) -> None:
        said = {"id": "k", "when": "keyword_said", "severity": "info", "keyword_names": ["refund"]}
        assert self.weighed(rules(said | {"id": "renamed"}), rules(said), "confirmed", keyword()) == (0, 1)

    def test_nobody_asks_for_them_where_nothing_is_lost(self) -> None:
        verdicts = Mock(return_value={})
        Backtest(rules(goal_rule()), rules(goal_rule()), verdicts=verdicts).add(stored(goal(1)))
        verdicts.assert_not_called()

    def test_what_cannot_be_judged_is_not_lost(self) -> None:
        scoped = rules(goal_rule(scope={"languages": ["de"]}))
        assert self.weighed(scoped, rules(goal_rule()), "confirmed") == (0, 0)


def test_names_that_occur_in_no_results_are_named_as_the_document_writes_them() -> None:
    named = rules(
        goal_rule(goal_ids=[1, 9], goal_names=["offer follow-up", "Greeting"]),
        goal_rule(id="o", goal_names=["Greeting"], mode="off"),
        {
            "id": "both",
            "when": "all",
            "severity": "info",
            "of": [
                {"when": "keyword_said", "keyword_names": ["Refund", "Cancel"], "keyword_ids": [7]},
                {"when": "keyword_missing", "keyword_names": ["Consent"]},
            ],
        },
    )
    backtest = compared(named, rules(), stored(goal(1)), stored(keyword(7, "refund")))
    assert list(backtest.names.unseen()) == [("g", (9, "Greeting"), ()), ("both", (), ("Cancel", "Consent"))]


GOALS = st.builds(goal, st.integers(1, 4), met=st.booleans(), score=st.sampled_from([0.1, 0.5, 0.9]))
PAUSES = st.builds(pause, st.integers(0, 9_000), start_ms=st.integers(0, 9), compliant=st.booleans())
KEYWORDS = st.builds(keyword, st.integers(1, 4), at=st.lists(st.integers(0, 300_000), max_size=3))
DETAILS = st.builds(details, language=st.sampled_from([None, "de", "fr"]), duration_ms=st.sampled_from([None, 9_000]))
IN_FORCE = rules(
    goal_rule(score_below=0.6),
    pause_rule(scope={"languages": ["de"], "longer_than_ms": 5_000}),
    {"id": "k", "when": "keyword_said", "severity": "info", "keyword_ids": [1, 2], "times": 2},
    {"id": "l", "when": "keyword_missing", "severity": "info", "keyword_names": ["refund"], "within_first_ms": 50_000},
    {"id": "s", "when": "silence_too_much", "severity": "info", "share_above": 0.3, "mode": "shadow"},
    {
        "id": "a",
        "when": "any",
        "severity": "info",
        "of": [{"when": "goal_unmet", "goal_ids": [4]}, {"when": "keyword_said", "keyword_ids": [3]}],
    },
)


@given(
    st.lists(st.one_of(GOALS, PAUSES, KEYWORDS), max_size=8),
    st.none() | st.just([]),
    st.none() | DETAILS,
)
def test_the_rules_in_force_find_what_they_found(
    found: list[dict[str, Any]], keywords: list[Any] | None, known: RecordingDetails | None
) -> None:
    """Judged as evaluation does, stored, and judged again: no difference, and the same rules fired or could not."""
    said = [each for each in found if "keyword_id" in each] or keywords
    data = body(123, *found) | ({} if said is None else {"keywords": said})
    call = Call(Results.model_validate(data), None if said is None else json.dumps(said).encode(), known)
    judged, in_shadow = judge(IN_FORCE, call), judge_shadow(IN_FORCE, call)
    outcome = StoredOutcome(123, JUDGED_AT, json.dumps(data), known, rules_version=IN_FORCE.digest)
    read_anew = rules(*(rule.written() for rule in IN_FORCE.rules))
    backtest = compared(read_anew, IN_FORCE, outcome)
    fired = {violation.rule_id for violation in (*judged.violations, *in_shadow.violations)}
    for rule_id, tally in backtest.tally.rules.items():
        assert (tally.now, tally.before) == (rule_id in fired, rule_id in fired)
        assert (tally.new, tally.gone, tally.changed) == (0, 0, 0)
        unjudged = rule_id in (*judged.unjudged, *in_shadow.unjudged) and rule_id not in fired
        assert (tally.unjudged.total(), tally.unjudged_before.total()) == (unjudged, unjudged)
    assert backtest.tally.alerts_now == backtest.tally.alerts_before == bool(judged.violations)


CHANGED = rules(goal_rule(goal_ids=[1, 9]), pause_rule(3_000), {**IN_FORCE.rules[2].written(), "keyword_ids": [3]})


@given(st.lists(st.lists(st.one_of(GOALS, PAUSES, KEYWORDS), max_size=4), max_size=6), st.randoms())
def test_segments_add_up_to_the_whole(calls: list[list[dict[str, Any]]], chance: Random) -> None:
    """Through JSON, as the table keeps them, and in any order."""
    outcomes: list[StoredOutcome | NotJudged] = [stored(*found, recording=place) for place, found in enumerate(calls)]
    outcomes.append(NotJudged.ERASED)
    documents = (CHANGED, IN_FORCE)
    segments = [Backtest(*documents) for _ in range(3)]
    whole, added_up = Backtest(*documents), Backtest(*documents)
    for outcome in outcomes:
        whole.take(outcome)
        chance.choice(segments).take(outcome)
    as_stored = TypeAdapter(Judged)
    for segment in segments:
        added_up.merge(as_stored.validate_json(as_stored.dump_json(segment.judged)))
    assert added_up.judged == whole.judged
