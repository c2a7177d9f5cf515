"""Promises 1, 2 and 5: every event is answered by an outcome, or is a dead letter with a cause."""

from typing import Final

from tests.simulation.functions import Invocation
from tests.simulation.invariants.alerts import AlertInvariants
from tests.simulation.invariants.observed import Observed
from tests.simulation.ledger import Held, Settled
from tests.simulation.queue import MAX_RECEIVES, Facts, Message
from tests.simulation.recordings import Kind, Recording
from tests.simulation.world import Task, Violated

_DAY_MS: Final = 86_400_000
_CLOCKS_MS: Final = 2_000
_SKEW_MS: Final = 500
"""The largest difference of two clocks; a direct event is dated by its worker's clock."""
_MOST_DEFERRALS: Final = 600
"""Of one event in a day. Its delay grows to 7.5 minutes at least. Before each look it may wait for requests, twice."""
_GONE: Final = frozenset({Kind.ABSENT, Kind.FAILED})


class EventInvariants:
    def __init__(self, observed: Observed, alerts: AlertInvariants, *, slack_may_be_off: bool) -> None:
        self._world = observed.world
        self._observed = observed
        self._ledger = observed.ledger
        self._alerts = alerts
        self._slack_may_be_off = slack_may_be_off
        for queue in (observed.stored.event_queue, observed.stored.slack_queue):
            queue.on_exhausted = self._exhausted

    def accepted(self, facts: Facts) -> None:
        self._ledger.events.append(facts)

    def acknowledged(self, facts: Facts, invocation: Invocation) -> None:
        """A message was deleted from its queue."""
        _credit_fetched(facts, invocation)
        _check_outrun(facts, invocation)
        if facts.alert_id is not None:
            self._alerts.acknowledged(facts.alert_id)
        elif facts.recording is None:
            if not any(message.facts.name == facts.name for message in self._observed.event_messages):
                raise Violated(1, f"{facts.name}, malformed, was acknowledged and is not in the dead-letter queue")
        else:
            told = any(task.notes.get("told") for task in invocation.tasks if facts in invocation.facts_of(task))
            self._ledger.settled[facts.recording].append(Settled(self._world.now_ms, facts, told))
            if not self._lives_on(facts):
                self._check_answered(facts, "was acknowledged")

    def failed(self, facts: Facts, invocation: Invocation, message_id: str) -> None:
        """A message goes back to its queue by a failed receive."""
        if invocation.timed_out and not any(task.delays or task.faults for task in invocation.tasks):
            raise Violated(5, f"{invocation.name} ran into the time limit though nothing delayed it")
        if not invocation.excuses(message_id):
            raise Violated(5, f"{facts.name} was failed by {invocation.name} though nothing outside failed")

    def _exhausted(self, message: Message) -> None:
        """SQS makes it a dead letter. `failed` has already checked each failed receive."""
        self._world.log("SQS", "{} ({}) was received too often", message.message_id, message.facts.name)

    def sends_on(self, invocation: Invocation, facts: Facts) -> None:
        """A worker sends a copy or a dead letter. SQS redelivers what an invocation that is over has not finished."""
        if invocation.over:
            raise Violated(2, f"a thread left of {invocation.name} sends {facts.name}, which is redelivered")
        if facts.deferrals > _MOST_DEFERRALS:
            raise Violated(5, f"{facts.name} was deferred {facts.deferrals} times")

    def backed_off(self, facts: Facts, failures: int) -> None:
        """A worker has SQS deliver a failed message again."""
        if failures >= MAX_RECEIVES:
            raise Violated(5, f"{facts.name} failed {failures} times and shall be tried again")

    def dead_lettered(self, task: Task, facts: Facts, reason: str, failures: int) -> None:
        """A worker dead-letters a message."""
        waited_ms = self._world.now_ms - facts.since_ms
        a_day = waited_ms >= _DAY_MS - _CLOCKS_MS
        match reason:
            case "malformed_event":
                holds = facts.recording is None
            case "bad_request":
                holds = task.notes.get("status") == 400
            case "outcome_unreadable":
                holds = facts.recording is not None and self._observed.recordings[facts.recording].unreadable
            case "unusable_results":
                holds = facts.unusable >= 3 or a_day
            case "unexpected_error":
                holds = failures >= MAX_RECEIVES
            case "no_destination":
                holds = self._slack_may_be_off
            case _:
                holds = task.notes.get("slack_refused") or a_day
        if not holds:
            waited = f"after {waited_ms / 1000:.0f} s"
            raise Violated(5, f"{facts.name} is dead-lettered as {reason} without cause, {waited}")

    def check_end(self) -> None:
        for facts in self._ledger.events:
            if facts.recording is not None and not self._lives_on(facts):
                self._check_answered(facts, "is gone")

    def check_redriven(self) -> None:
        """All dead letters were redriven after the faults: only events without possible results may be left."""
        stored = self._observed.stored
        for message in (*stored.event_dead_letters.messages.values(), *stored.slack_dead_letters.messages.values()):
            facts = message.facts
            if facts.late or (
                facts.alert_id is None and (facts.recording is None or self._without_results(facts.recording))
            ):
                continue
            raise Violated(1, f"{facts.name} was redriven and is a dead letter again: {message.attributes}")

    def _without_results(self, number: int) -> bool:
        """Whether a redrive cannot help: the vendor never has results, or the stored outcome cannot be read."""
        recording = self._observed.recordings[number]
        lasting = bool(recording.broken) or recording.unreadable
        return lasting or recording.kind_at(self._world.now_ms) is Kind.PENDING

    def _lives_on(self, facts: Facts) -> bool:
        """Whether a message that also answers it waits in a queue: for the same recording, and as new.

        For an event of discovery, any message for the same recording will do.
        """
        known_ms = 0 if facts.discovery else min(facts.sent_ms, facts.since_ms) - _SKEW_MS
        messages = self._observed.event_messages
        return any(m.facts.recording == facts.recording and m.facts.since_ms >= known_ms for m in messages)

    def _check_answered(self, facts: Facts, what: str) -> None:
        """The outcome must show results as new as the event. For an event of discovery, any results will do."""
        assert facts.recording is not None
        recording, now_ms = self._observed.recordings[facts.recording], self._world.now_ms
        held = self._ledger.held.get(recording.number)
        if held is None:
            raise Violated(1, f"{facts.name} {what}, but recording {recording.number} has no outcome")
        if facts.discovery:
            return
        shown, index = self._shown_until(recording, held), recording.index_at(facts.sent_ms)
        until = recording.index_at(now_ms) + 1
        since = recording.states[index:until]
        # A judged outcome is kept while the vendor has no results.
        kept = held.judged and any(state.kind in _GONE for state in since)
        if shown < index and not kept:
            older = f"recording {recording.number}'s outcome is older: state {held.index}"
            raise Violated(1, f"{facts.name} {what}, but {older}")
        # A worker that lost a write asks again. It believes a vendor that has withdrawn the results meanwhile.
        withdrawn = any(state.kind in _GONE for state in recording.states[facts.fetched + 1 : until])
        if shown < facts.fetched and not withdrawn:
            raise Violated(2, f"{facts.name} {what}: newer results (state {facts.fetched}) were fetched and discarded")

    def _shown_until(self, recording: Recording, held: Held) -> int:
        """The newest state with the same results as the outcome."""
        if not held.judged:
            return held.index
        digest = recording.digest(held.index)
        until_now = range(held.index, recording.index_at(self._world.now_ms) + 1)
        return max(i for i in until_now if recording.states[i].judgeable and recording.digest(i) == digest)


def _check_outrun(facts: Facts, invocation: Invocation) -> None:
    """Results that were fetched for an event and not saved may be newer than those of other events: none answers it."""
    if facts.outrun and any(facts in invocation.facts_of(task)[1:] for task in invocation.tasks):
        raise Violated(2, f"{facts.name} was answered by another event, but its results were fetched and discarded")


def _credit_fetched(facts: Facts, invocation: Invocation) -> None:
    """Note the results that were fetched for an answered message, except after a fault.

    A failed message gets no credit: what its worker knew is lost, as in a crash.
    """
    for task in invocation.tasks:
        fetched = task.notes.get("ready")
        if fetched is not None and not task.faults and not task.life.faults and facts in invocation.facts_of(task):
            facts.fetched = max(facts.fetched, fetched)
