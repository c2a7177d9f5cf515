"""What rules need beside the results: fetched only for live rules, kept with the outcome; and rules in the shadow."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import Throttled
from domain.evaluation.outcome import Shadow, Status
from domain.rules.document import RuleSet
from domain.triggers.source import Source
from tests.fakes.clock import NOON_MS
from tests.fakes.make import body, details, event, goal, goal_rule, keyword, pause, pause_rule, rules
from tests.fakes.world import World, deferred, evaluated

SHARE = {"id": "share", "when": "silence_too_much", "severity": "warning", "share_above": 0.01}
LATE = {"id": "late", "when": "keyword_said", "severity": "info", "keyword_ids": [7], "within_last_ms": 5_000}
MISSING = {"id": "missing", "when": "keyword_missing", "severity": "critical", "keyword_names": ["consent"]}
GERMAN = {"languages": ["de"]}


class TestDetails:
    @pytest.mark.parametrize(
        ("rule_set", "requests"),
        [
            (rules(goal_rule()), ["results 123"]),
            (rules(MISSING), ["results 123"]),
            (rules(goal_rule(scope=GERMAN)), ["details 123", "results 123"]),
            (rules(SHARE), ["details 123", "results 123"]),
            (rules(LATE), ["details 123", "results 123"]),
            (rules(SHARE | {"mode": "shadow"}, goal_rule(scope=GERMAN, id="s", mode="shadow")), ["results 123"]),
            (rules(SHARE | {"mode": "off"}), ["results 123"]),
        ],
    )
    def test_a_clear_call_costs_a_second_request_only_where_a_live_rule_needs_it(
        self, world: World, rule_set: RuleSet, requests: list[str]
    ) -> None:
        world.rules.rules = rule_set
        world.vendor.answers(123, body(123, goal(met=True)) | {"keywords": [keyword(name="consent", at=(1,))]})
        outcome = evaluated(world.handle(event())).outcome
        assert world.vendor.requests == requests
        assert outcome.status is Status.CLEAR
        assert (outcome.details is not None) == (len(requests) > 1)

    def test_an_alert_asks_for_no_details_again(self, world: World) -> None:
        world.rules.rules = rules(goal_rule(scope=GERMAN))
        world.vendor.answers(123, body(123, goal()))
        world.vendor.describes(123, details(language="de-AT"))
        outcome = evaluated(world.handle(event())).outcome
        assert world.vendor.requests == ["details 123", "results 123"]
        assert outcome.details == details(language="de-AT").kept()
        assert world.topic.published[0].violations[0].scope_unknown == ()

    def test_a_call_out_of_scope_is_clear(self, world: World) -> None:
        world.rules.rules = rules(goal_rule(scope=GERMAN))
        world.vendor.answers(123, body(123, goal()))
        world.vendor.describes(123, details(language="fr"))
        assert evaluated(world.handle(event())).outcome.status is Status.CLEAR

    def test_a_language_that_the_vendor_does_not_tell_alerts_and_says_so(self, world: World) -> None:
        world.rules.rules = rules(goal_rule(scope=GERMAN))
        world.vendor.answers(123, body(123, goal()))
        assert evaluated(world.handle(event())).alerted
        assert world.topic.published[0].violations[0].scope_unknown == ("languages",)

    def test_they_are_waited_for(self, world: World) -> None:
        world.rules.rules = rules(SHARE)
        world.vendor.answers(123, body(123, pause()))
        world.vendor.describes(123, Throttled("Pause.", NOON_MS + 20_000), details())
        waiting = deferred(world.handle(event()))
        assert (waiting.reason, waiting.history.stage) == ("throttled", "details")
        world.clock.advance(20_000)
        assert evaluated(world.handle(replace(event(), history=waiting.history))).alerted

    def test_what_is_kept_survives_a_later_judgement_that_asks_for_none(self, world: World) -> None:
        world.vendor.answers(123, body(123, goal()), body(123, goal(met=True)))
        kept = evaluated(world.handle(event())).outcome.details
        assert kept
        world.clock.advance(60_000)
        assert evaluated(world.handle(event(sent_ms=world.clock()))).outcome.details == kept


class TestUnjudged:
    def test_a_body_without_keywords_leaves_one_rule_unjudged_and_the_others_alert(self, world: World) -> None:
        world.rules.rules = rules(MISSING, goal_rule())
        world.vendor.answers(123, body(123, goal()))
        outcome = evaluated(world.handle(event())).outcome
        assert (outcome.unjudged, outcome.status) == (("missing",), Status.VIOLATIONS)
        assert world.alerted_subjects() == [["goal:1"]]

    def test_malformed_keywords_are_deferred_where_a_live_rule_reads_them(self, world: World) -> None:
        world.vendor.answers(123, body(123, goal(met=True)) | {"keywords": [{"keyword_id": "7"}]})
        world.rules.rules = rules(MISSING)
        assert deferred(world.handle(event())).reason == "unusable_results"
        world.rules.rules = rules(MISSING | {"mode": "shadow"}, goal_rule())
        outcome = evaluated(world.handle(event())).outcome
        assert (outcome.unjudged, outcome.shadow) == ((), Shadow(unjudged=("missing",)))


class TestShadow:
    def test_what_it_finds_is_stored_and_not_alerted(self, world: World) -> None:
        world.rules.rules = rules(goal_rule(mode="shadow"), pause_rule())
        found = [goal(number) for number in range(60)]
        world.vendor.answers(123, body(123, *found, pause()))
        outcome = evaluated(world.handle(event())).outcome
        assert (outcome.shadow.total, outcome.shadow.found[0], len(outcome.shadow.found)) == (60, ("g", "goal:0"), 50)
        assert world.alerted_subjects() == [["pause:95000-102000"]]
        assert len(outcome.alerted) == outcome.violations_total == 1

    def test_a_goal_rule_in_it_waits_for_no_goals_and_does_not_call_their_absence_clear(self, world: World) -> None:
        world.rules.rules = rules(goal_rule(mode="shadow"), pause_rule())
        world.vendor.answers(123, body(123))
        assert evaluated(world.handle(event())).outcome.shadow == Shadow(unjudged=("g",))

    def test_turned_live_it_alerts_only_on_calls_judged_from_then_on(self, world: World) -> None:
        world.vendor.answers(123, body(123, goal()))
        world.vendor.answers(124, body(124, goal()))
        world.rules.rules = rules(goal_rule(mode="shadow"))
        world.handle(event())
        world.rules.rules = rules(goal_rule())
        world.clock.advance(60_000)
        for recording in (123, 124):
            world.handle(event(recording, sent_ms=world.clock(), source=Source.WEBHOOK))
        assert [alert.recording_id for alert in world.topic.published] == [124]

    @given(
        found=st.lists(st.sampled_from([goal(), goal(2), pause(), pause(6_000, start_ms=1), keyword()]), max_size=4),
        scope=st.sampled_from([None, GERMAN]),
        more=st.lists(st.sampled_from([SHARE, LATE, MISSING, goal_rule(id="s"), pause_rule(1, id="t")]), max_size=3),
    )
    def test_it_changes_no_alert_and_no_request(
        self, found: list[dict[str, Any]], scope: dict[str, Any] | None, more: list[dict[str, Any]]
    ) -> None:
        live = [goal_rule(scope=scope), pause_rule(5_000)]
        in_shadow = [rule | {"mode": "shadow", "id": f"{number}"} for number, rule in enumerate(more)]
        data = body(123, *found) | {"keywords": [each for each in found if "keyword_id" in each]}
        seen = []
        for rule_set in (rules(*live), rules(*in_shadow, *live)):
            world = World()
            world.rules.rules = rule_set
            world.vendor.answers(123, data)
            result = evaluated(world.handle(event()))
            assert result.outcome.shadow.total <= len(more) * 3
            seen.append(
                (world.topic.published, world.vendor.requests, result.outcome.alerted, result.outcome.violations)
            )
        assert seen[0] == seen[1]
