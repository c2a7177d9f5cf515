"""Everything outside the main use case as one thing, and the use case in the middle of it."""

from dataclasses import dataclass, field, replace

from domain.evaluation.attempt import Attempt
from domain.evaluation.evaluate import EvaluateRecording
from domain.evaluation.event import Evaluated, RecordingEvent, Result
from domain.evaluation.fetch import FetchAnalysis
from domain.evaluation.outbox import Outbox
from domain.evaluation.outcome import Outcome
from domain.retry import Deferred
from tests.fakes.clock import FakeClock
from tests.fakes.outside import FakeBudget, FakeMeter, FakeRuleBook, FakeTopic, FakeVendor
from tests.fakes.stage import Stage
from tests.fakes.tables import InMemoryMarks, InMemoryOutcomeTable

FUNCTION_MS = 30_000
"""What an invocation may last."""


def evaluated(result: Result) -> Evaluated:
    assert isinstance(result, Evaluated)
    return result


def deferred(result: Result) -> Deferred:
    assert isinstance(result, Deferred)
    return result


@dataclass
class World:
    """`handle` is what one worker does with one event; any number of them share what is here."""

    stage: Stage = field(default_factory=Stage)
    clock: FakeClock = field(default_factory=FakeClock)
    rules: FakeRuleBook = field(default_factory=FakeRuleBook)

    def __post_init__(self) -> None:
        self.vendor = FakeVendor(self.stage)
        self.outcomes = InMemoryOutcomeTable(self.stage)
        self.marks = InMemoryMarks(self.stage)
        self.topic = FakeTopic(self.stage)
        self.budget = FakeBudget(self.clock, stage=self.stage)
        self.meter = FakeMeter()
        attempt = Attempt(
            fetch=FetchAnalysis(self.vendor, self.budget, self.clock),
            rules=self.rules,
            outcomes=self.outcomes,
            outbox=Outbox(self.outcomes, self.topic, self.meter, self.clock),
            now_ms=self.clock,
        )
        self.evaluate = EvaluateRecording(attempt=attempt, marks=self.marks, now_ms=self.clock, random=lambda: 0.0)

    def handle(self, given: RecordingEvent) -> Result:
        return self.evaluate(given, self.clock() + FUNCTION_MS)

    def handle_until_settled(self, given: RecordingEvent, patience: int = 50) -> Result:
        """Deliver each deferred copy when its time has come, until something else comes of it."""
        result = self.handle(given)
        while isinstance(result, Deferred) and patience:
            self.clock.advance(max(result.delay_s * 1_000, 1))
            result = self.handle(replace(given, history=result.history))
            patience -= 1
        return result

    def outcome(self, recording: int | str = 123) -> Outcome:
        return self.outcomes.rows[recording]

    def alerted_subjects(self) -> list[list[str]]:
        return [[violation.subject for violation in alert.violations] for alert in self.topic.published]
