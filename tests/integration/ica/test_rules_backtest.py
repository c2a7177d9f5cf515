"""`ica rules backtest` on a table as evaluation and older releases leave it: output, exit code, and nothing written."""

import gzip
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from adapters.batching import BatchThreads
from adapters.dynamodb.outcome_table import DynamoOutcomeTable
from domain.evaluation.outcome import Outcome, Status
from domain.rules.violation import fingerprint
from domain.triggers.source import Source
from tests.fakes.clock import NOON_MS
from tests.fakes.ica import Done, ica
from tests.fakes.make import UUID, details, goal, goal_rule, keyword, pause, pause_rule, snapshot
from tests.integration.aws import REGION, TABLE, Aws
from tests.integration.ica.conftest import Write
from tests.integration.workers import PATIENCE_S

PERIOD = ("--from", "2026-11-20", "--to", "2026-11-24")
DAY_MS = 86_400_000
STACK = json.dumps(
    {
        "Parameters": {"MaxPauseMs": {"Type": "Number", "Default": 5000}},
        "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}},
        "Outputs": {"OutcomeTableName": {"Value": TABLE}, "EventQueueUrl": {"Value": "https://sqs/events"}},
    }
)
Save = Callable[..., Outcome]


@pytest.fixture
def stack(aws: Aws) -> Aws:
    aws.session().client("cloudformation").create_stack(StackName="past", TemplateBody=STACK)
    return aws


@pytest.fixture
def save(stack: Aws) -> Save:
    """Save an outcome with these goals, pauses and keywords, judged at noon of 2026-11-23 unless told otherwise."""
    table = DynamoOutcomeTable(stack.dynamodb, TABLE, 365, lambda: NOON_MS, BatchThreads(1, PATIENCE_S))

    def save(recording: int, *found: dict[str, Any], days_ago: int = 0, **fields: Any) -> Outcome:
        keywords = [each for each in found if "keyword_id" in each]
        more = {"keywords": keywords} if keywords else {}
        at_ms = NOON_MS - days_ago * DAY_MS
        outcome = Outcome(recording, Status.CLEAR, 1, Source.QUEUE, at_ms, at_ms, rules_version="r", results_digest="d")
        table.save(replace(outcome, snapshot=snapshot(*found, recording=recording, **more), **fields))
        return outcome

    return save


@pytest.fixture
def run(stack: Aws, write: Write) -> Callable[..., Done]:
    """Backtest these rules. Whatever comes of it, the account is as it was."""

    def run(*arguments: Any, rules: Any, period: tuple[str, ...] = PERIOD) -> Done:
        file = rules if isinstance(rules, Path) else write("new.json", {"version": 1, "rules": rules})
        before = stack.items()
        done = ica("rules", "backtest", file, "--stack", "past", "--region", REGION, *period, *arguments)
        assert stack.items() == before
        return done

    return run


Run = Callable[..., Done]


def change(stack: Aws, recording: int, changes: str, **values: Any) -> None:
    """Write into an outcome's item, as another release or a person may have."""
    asked: dict[str, Any] = {
        "TableName": TABLE,
        "Key": {"pk": {"S": f"RECORDING#{recording}"}, "sk": {"S": "OUTCOME"}},
        "UpdateExpression": changes,
    }
    if values:
        asked["ExpressionAttributeValues"] = {f":{name}": value for name, value in values.items()}
    stack.dynamodb.update_item(**asked)


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


class TestVerdicts:
    @pytest.fixture(autouse=True)
    def given(self, stack: Aws, save: Save) -> None:
        """Two false alarms and a confirmed one, answered later than the period."""
        for recording, verdict in ((1, "false_alarm"), (2, "false_alarm"), (3, "confirmed")):
            save(recording, pause(6_000 + recording, start_ms=0))
            answer = {"rule_id": {"S": "long-pause"}, "verdict": {"S": verdict}, "by": {"S": "U1"}}
            mark = fingerprint("long-pause", f"pause:0-{6_000 + recording}")
            item: dict[str, Any] = {
                "pk": {"S": f"RECORDING#{recording}"},
                "sk": {"S": "VERDICT#a"},
                "verdicts": {"M": {mark: {"M": answer}}},
            }
            day = {
                "index_day": {"S": "VERDICT#2026-11-25"},
                "index_time": {"S": f"2026-11-25T08:00:00.000Z#{recording}"},
            }
            stack.dynamodb.put_item(TableName=TABLE, Item=item | day)

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


class TestNotJudged:
    """It is counted and named, and never passes for silent."""

    def test_every_shape_of_item(self, stack: Aws, save: Save, run: Run) -> None:
        for recording in range(1, 8):
            save(recording, pause(7_000), details=details())
        packed = gzip.compress(json.dumps(snapshot(pause(7_000), recording=2).results.model_dump()).encode())
        change(stack, 2, "SET results_gzip = :gzip REMOVE results", gzip={"B": packed})
        change(stack, 3, "SET results_omitted_bytes = :size REMOVE results", size={"N": "9000000"})
        change(stack, 4, "SET results_gzip = :gzip REMOVE results", gzip={"B": b"\x1f\x8b\x08 torn"})
        change(stack, 5, "SET results = :text", text={"S": '{"recording_id": "five"}'})
        change(stack, 6, "REMOVE results")
        change(stack, 7, "REMOVE rules_version, results_digest, recording")
        done = run("-o", "json", rules=[pause_rule(id="long-pause")])
        assert done.code == 0
        assert (done.json["outcomes"], done.json["judged"], done.json["rules"]["long-pause"]["now"]) == (7, 3, 3)
        assert done.json["not_judged"] == {"results_omitted": 1, "results_absent": 1, "unreadable": 2}

    def test_outcomes_that_never_had_results(self, stack: Aws, run: Run) -> None:
        table = DynamoOutcomeTable(stack.dynamodb, TABLE, 365, lambda: NOON_MS, BatchThreads(1, PATIENCE_S))
        for recording, status in ((UUID, Status.NOT_FOUND), (9, Status.ANALYSIS_FAILED)):
            table.save(Outcome(recording, status, 1, Source.QUEUE, NOON_MS, NOON_MS))
        done = run(rules=[])
        assert "Not judged: 1 outcome; the vendor does not know the recording." in done.out
        assert "Not judged: 1 outcome; the analysis failed." in done.out

    def test_a_fact_that_was_not_stored(self, save: Save, run: Run) -> None:
        save(1, pause(7_000))
        save(2, pause(7_000), keyword(7, "refund"), details=details(language=None))
        scoped = pause_rule(scope={"languages": ["de"]})
        said = {"id": "k", "when": "keyword_said", "severity": "info", "keyword_names": ["refund"]}
        lines = run(rules=[scoped, said]).out.splitlines()
        assert "p could not be judged in 1 call: they lack the recording's details." in lines
        assert "p fires in 1 call that may be out of its scope: not all of it is known." in lines
        assert "k could not be judged in 1 call: they lack the keywords." in lines

    def test_outcomes_from_before_the_index_are_told_of(self, stack: Aws, save: Save, run: Run) -> None:
        save(1, pause(7_000))
        save(2, pause(7_000))
        change(stack, 2, "REMOVE index_day, index_time")
        done = run("-o", "json", rules=[pause_rule()])
        assert (done.json["outcomes"], done.json["not_in_index"]) == (1, {"looked_at": 2, "lacking": 1})
        reindex = "`ica outcomes reindex --stack past` adds them.\n"
        assert done.err == f"Older outcomes are not in the index: 1 of 2 looked at. {reindex}"


class TestRefused:
    """One clear sentence, and the exit code."""

    def test_a_table_without_outcomes(self, run: Run) -> None:
        done = run("-o", "json", rules=[pause_rule()])
        span = "between 2026-11-20 00:00 UTC and 2026-11-24 00:00 UTC"
        assert done.err == f"past has no outcome {span} in its index: there is nothing to compare.\n"
        assert (done.code, done.json["outcomes"], done.json["rules"]["p"]["now"]) == (0, 0, 0)

    def test_a_table_without_the_index(self, stack: Aws, run: Run) -> None:
        stack.dynamodb.update_table(TableName=TABLE, GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": "by_day"}}])
        done = run(rules=[pause_rule()])
        assert (done.code, done.out) == (3, "")
        assert done.err.startswith("This stack's table has no index by day yet")

    def test_a_stack_that_does_not_exist(self, run: Run) -> None:
        done = run("--stack", "nowhere", rules=[pause_rule()])
        assert (done.code, done.out) == (3, "")
        assert done.err.startswith("There is no stack named nowhere in ")

    def test_no_credentials(self, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("botocore.credentials.CredentialResolver.load_credentials", lambda _: None)
        done = run(rules=[pause_rule()])
        assert (done.code, done.out) == (3, "")
        assert done.err == "No AWS credentials are found. Log in (`aws login`), or set AWS_PROFILE.\n"

    def test_a_stored_document_that_is_not_valid(self, stack: Aws, run: Run, write: Write) -> None:
        stack.put_parameter("/past/rules", '{"version": 1, "rules": 7}')
        done = run(rules=[pause_rule()])
        assert (done.code, done.out) == (2, "")
        assert done.err.startswith("/past/rules version 1 is refused as a whole, and events wait until it is mended:")
        assert done.err.endswith("--against FILE compares with a file instead.\n")
        assert run("--against", write("old.json", {"version": 1, "rules": []}), rules=[pause_rule()]).code == 0

    @pytest.mark.parametrize(
        ("period", "sentence"),
        [
            (("--since", "soon"), "--since soon is no time. Write 30d, 12h or 2w before now, or a time such as"),
            (("--since", "0d"), "--since 0d is no time."),
            (("--from", "2026-02-30"), "--from 2026-02-30 is no time."),
            (("--since", "99999w"), "99999w is too long ago: a period has ten years at most."),
            (("--since", "3d", "--to", "1d"), "--since reaches to now. Give either it, or --from and --to."),
            (("--from", "1d", "--to", "3d"), "The period would begin at "),
        ],
    )
    def test_a_period_that_is_none(self, run: Run, period: tuple[str, ...], sentence: str) -> None:
        done = run(rules=[pause_rule()], period=period)
        assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
        assert done.err.startswith(sentence)

    def test_a_document_that_is_not_valid(self, run: Run) -> None:
        done = run(rules=[pause_rule(-5)])
        assert (done.code, done.out) == (2, "")
        assert "rules[0].longer_than_ms: must be at least 0, not -5" in done.err
