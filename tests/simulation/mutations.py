"""Broken variants of the delivery code, each a plausible mistake. The simulator must catch every one."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Final

from adapters import fresh_connections, retry_after
from adapters.dynamodb import outcome_table, request_budget
from domain import request_budget as schedule
from domain import retry
from domain.alerts import deliver
from domain.evaluation import attempt, fetch, outbox, outcome
from handlers import evaluate_recordings
from runtime import batch, evaluation_report, received_events
from tests.simulation import notifier_mutations, rule_mutations
from tests.simulation.parallel import on_all_cores
from tests.simulation.simulation import Finding, run
from tests.simulation.substitution import Change, Constant, Substitution
from tests.simulation.trigger_mutations import TRIGGER_MUTATIONS

SEEDS: Final = 500

_Attempt: Final = attempt.Attempt
_Outbox: Final = outbox.Outbox
_Worker: Final = evaluate_recordings.EvaluationWorker
_Outcomes: Final = outcome_table.DynamoOutcomeTable
_Fetch: Final = fetch.FetchAnalysis
_Budget: Final = request_budget.SharedRequestBudget

MUTATIONS: Final[dict[str, tuple[Change, ...]]] = {
    "publish before save": (
        Substitution(
            _Attempt,
            "_judge",
            "    try:\n        self._save(begun, outcome)\n",
            "    from dataclasses import replace\n"
            "    if outcome.pending_alert and outcome.pending_alert.message:\n"
            "        self.outbox.topic.publish(outcome.pending_alert.message)\n"
            "        outcome = replace(outcome, alert=replace(outcome.pending_alert, published_at_ms=self.now_ms()))\n"
            "    try:\n        self._save(begun, outcome)\n",
        ),
    ),
    "save without condition": (Substitution(_Outcomes, "save", ", **at_revision(outcome.revision - 1)", ""),),
    "mark before publish": (
        Substitution(
            _Outbox,
            "publish",
            "    perhaps_sent = True\n",
            "    marked = self.outcomes.mark_published(outcome, self.now_ms())\n"
            "    self.topic.publish(pending.message)\n"
            "    return marked\n"
            "    perhaps_sent = True\n",
        ),
    ),
    "a publish that was perhaps sent gives its lease back": (
        Substitution(_Outbox, "publish", "perhaps_sent = error.perhaps_done", "perhaps_sent = False"),
    ),
    "a first publish counts as repeated": (Constant(outbox, "NEVER_LEASED_MS", -1),),
    "no lease": (Substitution(_Outbox, "carry_on", "if pending.lease_until_ms > now_ms:", "if False:"),),
    "lease shorter than the function": (
        Constant(outbox, "_PUBLISH_RESERVE_MS", 1_000),
        Constant(outbox, "LEASE_MS", 12_000),
        Constant(attempt, "LEASE_MS", 12_000),
        Constant(deliver, "LEASE_MS", 12_000),
    ),
    "results found again are forgotten where another worker wrote": (
        Substitution(
            _Attempt, "_confirm", "except AlertsError as error:", "except AlertsError as error:\n        raise"
        ),
    ),
    "published with too little of the lease left": (Constant(outbox, "_PUBLISH_RESERVE_MS", 15_000),),
    "a late thread saves": (Substitution(_Attempt, "_save", "if self.now_ms() > begun.deadline_ms:", "if False:"),),
    "connections kept for ever": (Constant(fresh_connections, "_IDLE_MS", 1 << 60),),
    "alert not carried on before newer results": (
        Substitution(_Attempt, "__call__", "if stored and stored.pending_alert:", "if False:"),
    ),
    "alert id from the clock": (
        Substitution(
            _Outbox,
            "publish",
            "self.topic.publish(pending.message)",
            'self.topic.publish(pending.message.model_copy(update={"alert_id": f"{self.now_ms():024x}"}))',
        ),
    ),
    "everything alerted again at a re-analysis": (
        Substitution(_Attempt, "_judge", "stored.alerted if stored else frozenset()", "frozenset()"),
    ),
    "an event met in flight is acknowledged": (
        Substitution(
            _Attempt,
            "__call__",
            "        stored = self.outbox.carry_on(",
            "        if stored.pending_alert.lease_until_ms > self.now_ms():\n"
            "            return Duplicate(stored.recording, 'in_flight')\n"
            "        stored = self.outbox.carry_on(",
        ),
    ),
    "the loser of a race takes the winner's word": (
        Substitution(
            _Attempt,
            "_judge",
            "Unfinished(snapshot.digest, ",
            "Unfinished('', ",
        ),
    ),
    "staleness without margin": (Constant(outcome, "STALENESS_MARGIN_MS", 0),),
    "staleness by the payload's time": (
        Substitution(
            received_events,
            "by_recording",
            "RecordingEvent(announced.recording, announced.source, message.history)",
            "RecordingEvent(announced.recording, announced.source, message.history, announced.sent_ms)",
        ),
    ),
    "staleness by the time of the outcome": (
        Substitution(outcome.Outcome, "answers", "self.fetch_started_ms", "self.evaluated_at_ms"),
    ),
    "404 replaces a judged outcome": (
        Substitution(_Attempt, "_save_without_results", "if stored and stored.judged:", "if False:"),
    ),
    "404 believed at once": (
        Substitution(_Attempt, "_fetch_and_judge", "if not not_found_for_good(event.history):", "if False:"),
    ),
    "no goals taken for final": (
        Substitution(_Fetch, "__call__", "if early and (early.results.goals or not reads.reads_goals):", "if early:"),
    ),
    "goals awaited for ever": (Constant(fetch, "GOALS_AWAITED_MS", 1 << 60),),
    "deferral by failing": (
        Substitution(
            _Worker,
            "_settle",
            "self._queue.defer(event_text(recording, source), result)",
            "raise RuntimeError(result.reason)",
        ),
    ),
    "a thread sends after its batch was answered": (
        Substitution(_Worker, "_settle", "self._now_ms() >= answered_ms", "False"),
    ),
    "deferrals that never wait longer": (Substitution(retry, "_growing_delay_s", "min(earlier, 10)", "0"),),
    "failed evaluation acknowledged": (
        Substitution(batch.BatchLoop, "run", "failed.append(message)", "failed.extend(group.messages[1:])"),
    ),
    "wrong response shape": (
        Substitution(batch.BatchLoop, "run", '"itemIdentifier": message', '"itemIdentifer": message'),
    ),
    "history not restarted on redrive": (
        Substitution(retry, "read_history", "if abs(sent_ms - history.copied_ms) <= _REDRIVEN_AFTER_MS:", "if True:"),
    ),
    "a copy sent late looks redriven": (Constant(retry, "_REDRIVEN_AFTER_MS", 10_000),),
    "deferrals forget when they began": (
        Substitution(retry, "_defer", '"reason": reason,', '"reason": reason, "first_sent_ms": now_ms,'),
    ),
    "deferrals forget their failures": (
        Substitution(retry, "_defer", '"reason": reason,', '"reason": reason, "failures": 0,'),
    ),
    "Retry-After ignored": (
        Substitution(retry, "settle", "error.retry_at_ms if isinstance(error, NotNow) else None", "None"),
        Substitution(
            retry_after,
            "retry_at_ms",
            "    if value.isascii()",
            "    if value:\n        return None\n    if value.isascii()",
        ),
    ),
    "a wait longer than SQS can delay is cut": (
        Substitution(retry, "still_waiting", "if now_ms >= history.not_before_ms:", "if True:"),
    ),
    "429 holds nobody": (Substitution(_Budget, "hold", "max(self._told_to_hold_until_ms, until_ms)", "0"),),
    "budget without condition": (Substitution(_Budget, "_write", "**at_revision(schedule.revision - 1),", ""),),
    "budget a worker for itself": (Substitution(_Budget, "_grant", "self._write(granted)", "pass"),),
    "slots never lapse": (Constant(request_budget, "SLOT_LAPSES_MS", 1 << 60),),
    "no reserve for reading details": (
        Constant(attempt, "_DETAILS_RESERVE_MS", 0),
        Constant(attempt, "_DETAILS_PATIENCE_MS", 1 << 60),
    ),
    "group answers outrun events": (
        Substitution(received_events, "by_recording", "if message.history.outrun:", "if False:"),
    ),
    "the mark depends on the revision": (
        Substitution(
            _Outcomes,
            "mark_published",
            '"alert.alert_id = :id AND alert.#state = :pending",\n'
            '            ExpressionAttributeNames={"#state": "state"},\n'
            "            ExpressionAttributeValues={\n",
            '"alert.alert_id = :id AND alert.#state = :pending AND revision = :was",\n'
            '            ExpressionAttributeNames={"#state": "state"},\n'
            "            ExpressionAttributeValues={\n"
            '                ":was": {"N": str(outcome.revision)},\n',
        ),
    ),
    "a hold that could not be stored is forgotten": (
        Substitution(
            _Budget,
            "hold",
            "    self._grant([])",
            "    try:\n        self._grant([])\n"
            "    finally:\n        self._told_to_hold_until_ms = 0\n    return\n    #",
        ),
    ),
    "an outcome that cannot be read fails its batch": (
        Substitution(
            _Outcomes,
            "_read_all",
            "    return [_under",
            "    [_outcome(item) for item in items.values() if 'status' in item]\n    return [_under",
        ),
    ),
    "repeats are not counted": (Substitution(_Outbox, "publish", 'self.meter.add("AlertsRepeated")', "pass"),),
    "requests paced evenly": (
        Substitution(
            schedule, "_next_free", "newest_ms = slots[-1] if", "newest_ms = slots[-1] + WINDOW_MS // limit if"
        ),
    ),
    **rule_mutations.MUTATIONS,
    **TRIGGER_MUTATIONS,
    "explanations logged": (
        Substitution(
            evaluation_report.EvaluationReporter,
            "__call__",
            "about |= {\n",
            'about |= {\n"said": outcome.snapshot.json.decode() if outcome.snapshot else "",\n',
        ),
    ),
    **notifier_mutations.MUTATIONS,
}


@dataclass(frozen=True)
class Caught:
    mutation: str
    finding: Finding | None


@contextmanager
def applied(mutation: str) -> Iterator[None]:
    """The real code broken in this way. Raises `LookupError` where the code has moved on."""
    with ExitStack() as stack:
        for change in MUTATIONS[mutation]:
            owner, name, value = change.replacement()
            stack.callback(setattr, owner, name, getattr(owner, name))
            setattr(owner, name, value)
        yield


def first_finding(job: tuple[str, int]) -> Caught:
    mutation, seeds = job
    with applied(mutation):
        return Caught(mutation, next((finding for seed in range(seeds) if (finding := run(seed))), None))


def try_all(names: Sequence[str] = tuple(MUTATIONS), seeds: int = SEEDS) -> Iterator[Caught]:
    """Try each mutation on seeds from 0 on, until one catches it."""
    return on_all_cores(first_finding, [(name, seeds) for name in names])
