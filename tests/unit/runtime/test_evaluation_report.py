"""The report of an evaluation: what is counted, and what the log line says of rules in the shadow and unjudged ones."""

from dataclasses import replace

import pytest

from domain.evaluation.event import Evaluated
from domain.evaluation.outcome import Outcome, Shadow
from runtime import evaluation_report
from runtime.evaluation_report import EvaluationReporter
from tests.fakes.clock import FakeClock
from tests.fakes.contracts import CLEAR
from tests.fakes.outside import FakeMeter


@pytest.mark.parametrize(
    ("outcome", "line", "unjudged"),
    [
        (CLEAR, {}, 0),
        (replace(CLEAR, shadow=Shadow((("s", "call"),), 1)), {"shadow": 1, "shadow_unjudged": ()}, 0),
        # Nobody needs to act for a rule that nobody relies on yet.
        (replace(CLEAR, shadow=Shadow(unjudged=("s",))), {"shadow": 0, "shadow_unjudged": ("s",)}, 0),
        (replace(CLEAR, unjudged=("k", "l")), {"unjudged": ("k", "l")}, 2),
    ],
)
def test_only_an_unjudged_live_rule_needs_an_operator(
    monkeypatch: pytest.MonkeyPatch, outcome: Outcome, line: dict[str, object], unjudged: int
) -> None:
    lines: list[dict[str, object]] = []
    monkeypatch.setattr(evaluation_report.logger, "info", lambda _, **fields: lines.append(fields))
    meter = FakeMeter()
    EvaluationReporter(meter, FakeClock())(Evaluated(outcome, alerted=False))
    usual = {"status": "clear", "violations": 0, "revision": 1, "alerted": False}
    assert lines == [usual | line]
    assert meter.total("RulesUnjudged") == unjudged
    assert meter.total("OperatorNeeded") == bool(unjudged)
