"""The log line and the metrics of an evaluation's result."""

from typing import Any

from aws_lambda_powertools import Logger

from domain.evaluation.event import Duplicate, Evaluated, Result
from domain.ports import Clock, Meter
from domain.retry import DeadLettered, Deferred
from runtime.report import Reporter

logger = Logger()


class EvaluationReporter:
    def __init__(self, meter: Meter, now_ms: Clock) -> None:
        self._meter = meter
        self._reporter = Reporter(meter, now_ms, "RecordingsDeferred", "EventsDeadLettered")

    def __call__(self, result: Result, **about: Any) -> None:
        """Write one log line and count. `about`: ids for the log, never spoken words."""
        match result:
            case Evaluated(outcome, alerted, details_missing):
                self._meter.add("RecordingsEvaluated")
                self._meter.add("RuleViolations", outcome.violations_total)
                about |= {
                    "status": outcome.status,
                    "violations": outcome.violations_total,
                    "revision": outcome.revision,
                    "alerted": alerted,
                }
                if outcome.shadow.total or outcome.shadow.unjudged:
                    about |= {"shadow": outcome.shadow.total, "shadow_unjudged": outcome.shadow.unjudged}
                if outcome.unjudged:
                    # Until an operator acts, each such call may break a rule that nobody can check.
                    self._meter.add("RulesUnjudged", len(outcome.unjudged))
                    self._meter.add("OperatorNeeded")
                    about["unjudged"] = outcome.unjudged
                if details_missing:
                    about["details_missing"] = details_missing
                logger.info("evaluated", **about)
            case Duplicate(_, reason, alerted):
                self._meter.add("DuplicatesSkipped")
                logger.info("duplicate", reason=reason, alerted=alerted, **about)
            case Deferred():
                self._reporter.deferred(result, about)
            case DeadLettered():
                self._reporter.dead_lettered(result, about)
