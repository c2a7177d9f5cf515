"""`ica rules backtest`: outcomes that no rule can judge, and facts that are not stored."""

import gzip
import json

from adapters.batching import BatchThreads
from adapters.dynamodb.outcome_table import DynamoOutcomeTable
from domain.evaluation.outcome import Outcome, Status
from domain.triggers.source import Source
from tests.fakes.clock import NOON_MS
from tests.fakes.make import UUID, details, keyword, pause, pause_rule, snapshot
from tests.integration.aws import TABLE, Aws
from tests.integration.ica.backtest.conftest import Run, Save, change
from tests.integration.workers import PATIENCE_S


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
