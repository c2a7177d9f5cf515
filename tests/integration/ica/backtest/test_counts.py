"""`ica rules backtest`: what it counts and shows, its exit code, and nothing written."""

import json

import pytest

from tests.fakes.make import goal, goal_rule, pause, pause_rule
from tests.integration.aws import Aws
from tests.integration.ica.backtest.conftest import Run, Save
from tests.integration.ica.conftest import Write


def test_programs_get_the_counts_of_each_rule(save: Save, run: Run) -> None:
    """The stack has no document: the default rules hold. Outcomes outside the period do not count."""
    save(1, goal(), pause(7_000))
    save(2, pause(4_000), days_ago=3)
    save(3, pause(4_000), days_ago=4)
    done = run("-o", "json", "--list", rules=[pause_rule(3_000, id="long-pause")])
    assert (done.code, done.err) == (0, "")
    counts = {"now", "before", "new", "gone"}
    told = {rule_id: {name: rule[name] for name in counts} for rule_id, rule in done.json["rules"].items()}
    assert told == {
        "long-pause": {"now": 2, "before": 1, "new": 1, "gone": 0},
        "unmet-goal": {"now": 0, "before": 1, "new": 0, "gone": 1},
    }
    assert (done.json["outcomes"], done.json["judged"], done.json["not_judged"]) == (2, 2, {})
    assert done.json["rules"]["long-pause"]["new_ids"] == [2]
    assert done.json["rules"]["unmet-goal"]["gone_ids"] == [1]


def test_people_get_a_table_of_80_columns_and_sentences(save: Save, run: Run) -> None:
    save(1, goal(), pause(7_000))
    save(2, goal(met=True), pause(4_000), days_ago=3)
    done = run("--list", rules=[pause_rule(3_000, id="long-pause"), goal_rule(id="x" * 64, goal_names=["Gretting"])])
    assert (done.code, done.err) == (0, "")
    table, _, sentences = done.out.partition("2 outcomes since")
    assert max(map(len, table.splitlines())) <= 80
    assert sentences.splitlines() == [
        " 2026-11-20 00:00 UTC, 2 judged by both documents.",
        "Alerts a day: 0.6 now, 0.3 before (2 and 1 in 3.5 days).",
        "By the supervisors' answers: removes 0 false alarms, loses 0 confirmed.",
        f"{'x' * 64} names the goal “Gretting”: in none of these results.",
        "long-pause, new: 2",
        "unmet-goal, gone: 1",
    ]


def test_the_stored_document_or_another_file_is_what_it_compares_with(
    stack: Aws, save: Save, run: Run, write: Write
) -> None:
    save(1, pause(7_000))
    stack.put_parameter("/past/rules", json.dumps({"version": 1, "rules": [pause_rule(6_000)]}))
    assert run("-o", "json", rules=[pause_rule(8_000)]).json["rules"]["p"]["gone"] == 1
    other = write("other.json", {"version": 1, "rules": [pause_rule(7_500)]})
    assert run("-o", "json", "--against", other, rules=[pause_rule(8_000)]).json["rules"]["p"]["before"] == 0


@pytest.mark.usefixtures("answered")
class TestVerdicts:
    def test_a_lost_confirmed_violation_is_a_finding(self, run: Run) -> None:
        done = run(rules=[pause_rule(8_000, id="long-pause")])
        assert "removes 2 false alarms, loses 1 confirmed." in done.out
        assert (done.code, done.err) == (1, "1 confirmed violation would be lost; 0 may be (--may-lose).\n")

    def test_as_many_may_be_lost_as_is_said(self, run: Run) -> None:
        done = run("--may-lose", 1, "-o", "json", rules=[pause_rule(8_000, id="long-pause")])
        assert (done.code, done.err) == (0, "")
        assert (done.json["false_alarms_removed"], done.json["confirmed_lost"]) == (2, 1)
        assert done.json["rules"]["long-pause"]["false_alarms_removed"] == 2

    def test_a_limit_between_them_removes_false_alarms_alone(self, run: Run) -> None:
        done = run("-o", "json", rules=[pause_rule(6_002, id="long-pause")])
        assert (done.code, done.json["false_alarms_removed"], done.json["confirmed_lost"]) == (0, 2, 0)


class TestWords:
    def test_words_of_a_call_are_shown_only_where_they_are_asked_for(self, save: Save, run: Run) -> None:
        save(1, goal(why="She said she would call the lawyer."))
        for output in ("table", "json"):
            assert "lawyer" not in run("--list", "-o", output, rules=[goal_rule(id="new")]).out
            assert "lawyer" in run("--words", "-o", output, rules=[goal_rule(id="new")]).out
