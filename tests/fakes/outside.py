"""The vendor, the topic, the budget, a destination, the rules and the meter, each with what a test may look at."""

from collections import defaultdict
from typing import Any, TypeVar

from pydantic_core import to_json

from domain.alerts.alert import Alert
from domain.errors import AlertsError, BudgetSpent, NotFound, Unavailable
from domain.evaluation.outcome import Snapshot
from domain.ports import Clock
from domain.recording import RecordingDetails, RecordingId, Results
from domain.rules.document import RuleSet, default_rules
from tests.fakes.make import details as usual_details
from tests.fakes.stage import Stage

T = TypeVar("T")


class FakeVendor:
    """Answers with what it was told to; the last answer stays. An exception among the answers is raised.

    `aliases` maps UUIDs to integers. `requests` lists what was asked for, as `results 123` or `details 123`.
    """

    def __init__(self, stage: Stage | None = None) -> None:
        self.aliases: dict[str, int] = {}
        self.requests: list[str] = []
        self._results: dict[RecordingId, list[dict[str, Any] | Exception]] = {}
        self._details: dict[RecordingId, list[RecordingDetails | Exception]] = {}
        self._stage = stage or Stage()

    def answers(self, recording: RecordingId, *answers: dict[str, Any] | Exception) -> None:
        """What `GET /recordings/:id/results` says from now on: each a body's `data`, or an error."""
        self._results[recording] = list(answers)

    def describes(self, recording: RecordingId, *answers: RecordingDetails | Exception) -> None:
        """What `GET /recordings/:id` says from now on."""
        self._details[recording] = list(answers)

    def results(self, recording: RecordingId) -> Snapshot:
        with self._stage.call("results"):
            self.requests.append(f"results {recording}")
            data = self._next(self._results.get(self._known(recording), []), recording)
        said = data.get("keywords")
        return Snapshot(Results.model_validate(data), to_json(data), None if said is None else to_json(said))

    def details(self, recording: RecordingId) -> RecordingDetails:
        with self._stage.call("details"):
            self.requests.append(f"details {recording}")
            known = self._known(recording)
            answers = self._details.get(known, [usual_details(id=known if isinstance(known, int) else None)])
            return self._next(answers, recording)

    def _known(self, recording: RecordingId) -> RecordingId:
        return self.aliases.get(recording, recording) if isinstance(recording, str) else recording

    @staticmethod
    def _next(answers: list[T | Exception], recording: RecordingId) -> T:
        if not answers:
            raise NotFound(f"Recording {recording}: the API knows no such recording (404).")
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


class FakeTopic:
    """Takes every alert. The next ones arrive and yet raise (`loses_answers`), or are refused with `refusals`."""

    def __init__(self, stage: Stage | None = None) -> None:
        self.published: list[Alert] = []
        self.loses_answers = 0
        self.refusals: list[AlertsError] = []
        self._stage = stage or Stage()

    def publish(self, alert: Alert) -> None:
        with self._stage.call("publish"):
            if self.refusals:
                raise self.refusals.pop()
            self.published.append(alert)
        if self.loses_answers:
            self.loses_answers -= 1
            raise Unavailable("The answer was lost.", perhaps_done=True)

    @property
    def alert_ids(self) -> list[str]:
        return [alert.alert_id for alert in self.published]


class FakeBudget:
    """Has `left` requests to give, and none before a hold ends; it never makes anybody wait."""

    def __init__(self, now_ms: Clock, left: int = 1_000, stage: Stage | None = None) -> None:
        self.left = left
        self.retry_at_ms = now_ms() + 30_000
        self.held_until_ms = 0
        self.holds: list[int] = []
        self.asked: list[int] = []
        self._now_ms = now_ms
        self._stage = stage or Stage()

    def take(self, latest_ms: int) -> None:
        with self._stage.call("take"):
            self.asked.append(latest_ms)
            if self.held_until_ms > latest_ms:
                raise BudgetSpent("Held.", self.held_until_ms)
            if not self.left:
                raise BudgetSpent("Spent.", self.retry_at_ms)
            self.left -= 1

    def hold(self, until_ms: int) -> None:
        with self._stage.call("hold"):
            self.holds.append(until_ms)
            self.held_until_ms = max(self.held_until_ms, until_ms)


class FakeRuleBook:
    """The rules in force: the default ones until a test puts others there, or an error to raise."""

    def __init__(self) -> None:
        self.rules: RuleSet | Exception = default_rules(5_000)

    def __call__(self) -> RuleSet:
        if isinstance(self.rules, Exception):
            raise self.rules
        return self.rules


class FakeDestination:
    """Somewhere alerts go; `arrived` is what really got there."""

    name = "slack"
    off = False

    def __init__(self, stage: Stage | None = None) -> None:
        self.arrived: list[Alert] = []
        self._raises: list[tuple[Exception, bool]] = []
        self._stage = stage or Stage()

    def fails(self, error: Exception, *, arrives: bool = False) -> None:
        """The next send raises this, having arrived all the same or not."""
        self._raises.append((error, arrives))

    def send(self, alert: Alert) -> str:
        with self._stage.call("send"):
            error, arrives = self._raises.pop(0) if self._raises else (None, True)
            if arrives:
                self.arrived.append(alert)
            if error:
                raise error
        return "ok"


class FakeMeter:
    """Sums what is counted, by metric and dimensions."""

    def __init__(self) -> None:
        self.totals: dict[tuple[str, tuple[tuple[str, str], ...]], float] = defaultdict(float)
        self.flushed = 0

    def add(self, metric: str, value: float = 1, **dimensions: str) -> None:
        self.totals[metric, tuple(sorted(dimensions.items()))] += value

    def total(self, metric: str, **dimensions: str) -> float:
        return self.totals.get((metric, tuple(sorted(dimensions.items()))), 0)

    def flush(self) -> None:
        self.flushed += 1
