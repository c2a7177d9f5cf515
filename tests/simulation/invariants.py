"""The promises of the delivery, stated once, by number. Checked after every step, and at the end.

1  every accepted event ends in an outcome or, with a reason, in the dead-letter queue
2  the outcome is the judgement of the newest results that were fetched
3  every violation is alerted; a repeat follows only a send with an unknown outcome, under the same alert id
4  no 60 seconds hold more requests than the limit allows
5  nothing is sent again before its Retry-After; waiting alone never reaches the dead-letter queue
6  no stale write survives; no secret and no spoken word is in any log line
"""

from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, cast

from tests.simulation.functions import Invocation
from tests.simulation.queue import Facts, Message, Queue
from tests.simulation.recordings import SPOKEN, Document, Kind, Recording, reads_goals, violations
from tests.simulation.table import Item, Table
from tests.simulation.world import Task, Violated, World, current

if TYPE_CHECKING:
    from tests.simulation.vendor import Answer

SECRET: Final = "SECRET"
"""Part of every secret."""
WINDOW_MS: Final = 60_000
_HOLD_KNOWN_MS: Final = 8_000
"""Within this time a 429 has reached the worker and the shared schedule."""
_HOLD_AFTER_401_MS: Final = 59_000
_GOALS_AWAITED_MS: Final = 3_600_000
_NOT_FOUND_TAKES_MS: Final = 595_000
_DAY_MS: Final = 86_400_000
_CLOCKS_MS: Final = 2_000
_SKEW_MS: Final = 500
"""The largest difference of two clocks; a direct event is dated by its worker's clock."""
_CACHED_MS: Final = 95_000
"""Parameters are cached for 60 s, and an invocation keeps the values that it read."""


@dataclass(frozen=True)
class InForce:
    """A rules document and when it came into force; `None` if the stored one is invalid."""

    from_ms: int
    version: str | None
    document: Document | None


@dataclass(frozen=True)
class Held:
    """The state of its recording that an outcome shows."""

    index: int
    judged: bool


@dataclass(frozen=True)
class Hold:
    """No worker may send between the two times, provided that the informed thread could record it."""

    known_ms: int
    until_ms: int
    task: Task

    @property
    def recorded(self) -> bool:
        task = self.task
        return not (task.life.dead or task.life.frozen or task.faults or task.delays or task.life.faults)


@dataclass
class Sent:
    """A publication or a post, with its sender."""

    task: Task
    answer_lost: bool
    faults: int

    @property
    def unknown(self) -> bool:
        """Whether its sender could not know, or could not record, that it arrived."""
        stopped = self.task.life.dead or self.task.life.frozen
        return self.answer_lost or stopped or self.task.faults > self.faults


@dataclass
class Ledger:
    """Observations, for the check at the end."""

    events: list[Facts] = field(default_factory=list)
    held: dict[int, Held] = field(default_factory=dict)
    to_alert: dict[int, set[tuple[str, str]]] = field(default_factory=lambda: defaultdict(set))
    alert_of: dict[tuple[int, str, str], str] = field(default_factory=dict)
    published: dict[str, list[Sent]] = field(default_factory=lambda: defaultdict(list))
    posted: dict[str, list[Sent]] = field(default_factory=lambda: defaultdict(list))
    requests_ms: list[int] = field(default_factory=list)
    """The departure of each request."""
    refused_429: int = 0
    deferrals: Counter[str] = field(default_factory=Counter)
    """How often each event was deferred."""
    metrics: dict[tuple[str, ...], float] = field(default_factory=lambda: defaultdict(float))


class Invariants:
    def __init__(
        self,
        world: World,
        recordings: Sequence[Recording],
        limit: int,
        rules: Sequence[InForce],
        *,
        parameters_fail: bool,
        slack_may_be_off: bool,
    ) -> None:
        self._world = world
        self._by_id = {str(recording.recording_id): recording for recording in recordings}
        self._by_uuid = {recording.uuid: recording for recording in recordings}
        self._limit = limit
        self._rules = rules
        self._parameters_fail = parameters_fail
        self._slack_may_be_off = slack_may_be_off
        self._departures: deque[int] = deque(maxlen=limit)
        self._holds: list[Hold] = []
        self._slack_waits: dict[str, tuple[int, Task]] = {}
        self._recordings = recordings
        self.table = Table()
        self.table.on_write.append(self._wrote)
        self.ledger = Ledger()
        self.event_dead_letters = Queue(world, "event-dlq")
        self.event_queue = Queue(world, "event", self.event_dead_letters)
        self.slack_dead_letters = Queue(world, "slack-dlq")
        self.slack_queue = Queue(world, "slack", self.slack_dead_letters)
        for queue in (self.event_queue, self.slack_queue):
            queue.on_exhausted = self._exhausted

    # ── events ──

    def accepted(self, facts: Facts) -> None:
        self.ledger.events.append(facts)

    def acknowledged(self, facts: Facts, invocation: Invocation) -> None:
        """A message was deleted from its queue."""
        _settle_fetched(invocation)
        if facts.alert_id is not None:
            self._alert_acknowledged(facts.alert_id)
        elif facts.recording is None:
            waiting = (*self.event_dead_letters.messages.values(), *self.event_queue.messages.values())
            if not any(message.facts.name == facts.name for message in waiting):
                raise Violated(1, f"{facts.name}, malformed, was acknowledged and is not in the dead-letter queue")
        elif not self._lives_on(facts):
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

    def dead_lettered(self, task: Task, facts: Facts, reason: str) -> None:
        """A worker dead-letters a message."""
        waited_ms = self._world.now_ms - facts.since_ms
        notes = task.notes
        match reason:
            case "malformed_event":
                holds = facts.recording is None
            case "bad_request":
                holds = notes.get("status") == 400
            case "unusable_results":
                holds = facts.unusable >= 3 or waited_ms >= _DAY_MS - _CLOCKS_MS
            case "no_destination":
                holds = self._slack_may_be_off
            case _:
                holds = notes.get("slack_refused") or waited_ms >= _DAY_MS - _CLOCKS_MS
        if not holds:
            raise Violated(
                5, f"{facts.name} is dead-lettered as {reason} without cause, after {waited_ms / 1000:.0f} s"
            )

    # ── the vendor ──

    def departs(self, task: Task) -> None:
        """A request leaves a worker."""
        now_ms = self._world.now_ms
        self.ledger.requests_ms.append(now_ms)
        invocation = cast(Invocation, task.life)
        earliest_ms = max(task.notes.get("retry_at_ms", 0), invocation.facts_of(task)[0].retry_at_ms)
        if now_ms < earliest_ms:
            raise Violated(
                5, f"{invocation.name} asks {earliest_ms - now_ms} ms before the server's Retry-After is over"
            )
        self._holds = [hold for hold in self._holds if hold.until_ms > now_ms]
        for hold in self._holds:
            if hold.known_ms < now_ms and hold.recorded:
                raise Violated(5, f"{invocation.name} asks {hold.until_ms - now_ms} ms before a shared hold ends")
        if len(self._departures) == self._limit and now_ms - self._departures[0] < WINDOW_MS:
            raise Violated(4, f"{self._limit + 1} requests within {now_ms - self._departures[0]} ms")
        self._departures.append(now_ms)

    def answers(self, task: Task, recording: Recording, what: str, answer: "Answer") -> None:
        """The vendor has answered a request; the answer has not reached the worker."""
        now_ms = self._world.now_ms
        invocation = cast(Invocation, task.life)
        all_facts = invocation.facts_of(task)
        task.notes["status"] = answer.status
        if answer.retry_after_s is not None:
            from_ms = now_ms // 1000 * 1000 if answer.retry_as_date else now_ms
            task.notes["retry_at_ms"] = from_ms + answer.retry_after_s * 1000
        if answer.status == 429:
            self.ledger.refused_429 += 1
            self._holds.append(Hold(now_ms + _HOLD_KNOWN_MS, task.notes["retry_at_ms"], task))
        elif answer.status == 401:
            self._holds.append(Hold(now_ms + _HOLD_KNOWN_MS, now_ms + _HOLD_AFTER_401_MS, task))
        elif answer.status == 404:
            for facts in all_facts:
                facts.not_found_ms = (*facts.not_found_ms, now_ms)
        elif answer.status == 200 and answer.state is None:
            for facts in all_facts:
                facts.unusable += 1
        elif answer.status == 200 and what == "results":
            task.notes["fetched"] = answer.state
            if recording.kind_at(now_ms) is Kind.READY:
                task.notes["ready"] = answer.state
        elif answer.status == 200 and recording.kind_at(now_ms) is Kind.FAILED:
            task.notes["analysis_failed"] = answer.state
        elif answer.status == 200 and recording.kind_at(now_ms) is Kind.READY:
            for facts in all_facts:
                facts.said_evaluated = True

    # ── the table ──

    def _wrote(self, before: Item | None, after: Item) -> None:
        if after["sk"]["S"] != "OUTCOME":
            return
        if SECRET in str(after):
            raise Violated(6, f"a secret is in the outcome {after['pk']['S']}")
        name = after["pk"]["S"].removeprefix("RECORDING#")
        recording = self._by_id.get(name) or self._by_uuid[name]
        revision, earlier = int(after["revision"]["N"]), int(before["revision"]["N"]) if before else 0
        if revision != earlier + 1:
            raise Violated(6, f"a stale write: revision {revision} of recording {recording.number} replaces {earlier}")
        if before is None or before["evaluated_at"] != after["evaluated_at"]:
            self._judged(recording, name, before, after)
        elif before["fetch_started_at"] != after["fetch_started_at"]:
            self._confirmed(recording)
        alert = after.get("alert", {}).get("M")
        if alert and alert["state"]["S"] == "published" and alert["alert_id"]["S"] not in self.ledger.published:
            raise Violated(3, f"recording {recording.number}: an alert is marked as published that never was")

    def _judged(self, recording: Recording, name: str, before: Item | None, after: Item) -> None:
        """A new outcome."""
        task = current()
        status = after["status"]["S"]
        number = recording.number
        stored = self.ledger.held.get(number)
        facts = cast(Invocation, task.life).facts_of(task)[0]
        if status in {"not_found", "analysis_failed"}:
            if before and before["status"]["S"] in {"clear", "violations"}:
                raise Violated(2, f"recording {number}: {status} replaces a judged outcome")
            if stored and stored.judged and ("ALIAS#" + name, "ALIAS") in self.table.items:
                raise Violated(2, f"recording {number}: {status} beside its judged outcome, under its other name")
            if status == "not_found":
                asked = facts.not_found_ms
                if len(asked) < 3 or self._world.now_ms - asked[0] < _NOT_FOUND_TAKES_MS:
                    raise Violated(2, f"recording {number}: not_found was accepted after {len(asked)} tries")
                shown = recording.index_at(self._world.now_ms)
            elif "analysis_failed" in task.notes:
                shown = task.notes["analysis_failed"]
            else:
                raise Violated(2, f"recording {number}: analysis_failed, but the vendor never said so")
            if not (stored and stored.judged):
                self.ledger.held[number] = Held(shown, judged=False)
            return
        index: int = task.notes.get("fetched", -1)
        if index < 0 or after["results_digest"]["S"] != recording.digest(index):
            raise Violated(2, f"recording {number}: the outcome is not of the results that were fetched")
        if stored and stored.judged and index < stored.index:
            raise Violated(
                6, f"recording {number}: older results (state {index}) replace those of state {stored.index}"
            )
        if before and before.get("results_digest") == after["results_digest"]:
            raise Violated(3, f"recording {number}: the same results were judged again")
        self._check_judgement(recording, index, facts, after)
        self.ledger.held[number] = Held(index, judged=True)

    def _check_judgement(self, recording: Recording, index: int, facts: Facts, after: Item) -> None:
        number, state = recording.number, recording.states[index]
        document = self._in_force(after["rules_version"]["S"], number)
        found = violations(state, document)
        stated = {(kept["M"]["rule_id"]["S"], kept["M"]["subject"]["S"]) for kept in after["violations"]["L"]}
        if stated != found or int(after["violations_total"]["N"]) != len(found):
            raise Violated(2, f"recording {number}: judged {sorted(stated)}, but it is {sorted(found)}")
        if state.kind is Kind.GOALS_PENDING and reads_goals(document) and not facts.said_evaluated:
            waited_ms = self._world.now_ms - facts.since_ms
            if waited_ms < _GOALS_AWAITED_MS - _CLOCKS_MS:
                raise Violated(2, f"recording {number}: judged without its goals after {waited_ms / 1000:.0f} s")
            if after.get("goals_evaluated") != {"BOOL": False}:
                raise Violated(2, f"recording {number}: judged without its goals, and does not say so")
        self.ledger.to_alert[number] |= found

    def _in_force(self, version: str, number: int) -> Document:
        """The document of this version, if it was in force within the cache time."""
        now_ms = self._world.now_ms
        ends = [*(rules.from_ms for rules in self._rules[1:]), now_ms + 1]
        for rules, until_ms in zip(self._rules, ends, strict=True):
            lately = self._parameters_fail or until_ms > now_ms - _CACHED_MS
            if rules.version == version and rules.document and rules.from_ms <= now_ms and lately:
                return rules.document
        raise Violated(2, f"recording {number}: judged by rules that are not in force")

    def _confirmed(self, recording: Recording) -> None:
        """A fetch found the same results again."""
        index, held = current().notes.get("fetched", -1), self.ledger.held.get(recording.number)
        if held and not held.judged:
            self.ledger.held[recording.number] = Held(recording.index_at(self._world.now_ms), judged=False)
        elif held and index > held.index:
            if recording.digest(index) != recording.digest(held.index):
                raise Violated(2, f"recording {recording.number}: other results count as unchanged")
            self.ledger.held[recording.number] = Held(index, judged=True)

    # ── alerts ──

    def published(self, task: Task, alert: Mapping[str, Any]) -> None:
        """The topic has taken an alert."""
        ledger, alert_id = self.ledger, alert["alert_id"]
        number = self._by_id[str(alert["recording_id"])].number
        for violation in alert["violations"]:
            about = (number, violation["rule_id"], violation["subject"])
            if ledger.alert_of.setdefault(about, alert_id) != alert_id:
                raise Violated(3, f"recording {number}: {about[1:]} is alerted again under another alert id")
        self._add_send(ledger.published[alert_id], task, f"alert {alert_id[:6]} is published again")

    def posts(self, task: Task) -> None:
        """A post leaves for Slack."""
        until_ms, told = self._slack_waits.get(task.notes["alert_id"], (0, None))
        if self._world.now_ms < until_ms and told and not (told.life.dead or told.faults):
            early_ms = until_ms - self._world.now_ms
            raise Violated(5, f"{task.life.name} posts {early_ms} ms before Slack's Retry-After is over")

    def slack_says_wait(self, task: Task, wait_s: int) -> None:
        until_ms = self._world.now_ms + wait_s * 1000
        self._slack_waits[task.notes["alert_id"]] = (until_ms, task)

    def posted(self, task: Task, *, answer_lost: bool) -> None:
        """Slack shows an alert."""
        alert_id = task.notes["alert_id"]
        task.notes["answer_lost"] = answer_lost
        self._add_send(self.ledger.posted[alert_id], task, f"alert {alert_id[:6]} is posted to Slack again")
        task.notes["answer_lost"] = False

    def _add_send(self, earlier: list[Sent], task: Task, what: str) -> None:
        if not all(sent.unknown for sent in earlier):
            raise Violated(3, f"{what} by {task.life.name} though its first sender knew that it arrived")
        earlier.append(Sent(task, task.notes.get("answer_lost", False), task.faults))

    def _alert_acknowledged(self, alert_id: str) -> None:
        waiting = (*self.slack_queue.messages.values(), *self.slack_dead_letters.messages.values())
        if self.ledger.posted[alert_id] or any(message.facts.alert_id == alert_id for message in waiting):
            return
        if not self._slack_may_be_off:
            raise Violated(3, f"alert {alert_id[:6]} was acknowledged by the notifier and never posted")

    # ── logs ──

    def logged(self, text: str) -> None:
        for marker in (SPOKEN, SECRET):
            if marker in text:
                at = text.index(marker)
                raise Violated(6, f"a log line holds …{text[max(0, at - 60) : at + 40]}…")

    # ── the end ──

    def check_end(self) -> None:
        """All faults have ended, and all queues are idle."""
        for facts in self.ledger.events:
            if facts.recording is not None and not self._lives_on(facts):
                self._check_answered(facts, "is gone")
        for number, wanted in self.ledger.to_alert.items():
            alerted = {(rule, subject) for of, rule, subject in self.ledger.alert_of if of == number}
            if wanted - alerted and not self._with_the_operator(number):
                raise Violated(3, f"recording {number}: never alerted: {sorted(wanted - alerted)}")
            if alerted - wanted:
                raise Violated(3, f"recording {number}: alerted, but in no outcome: {sorted(alerted - wanted)}")
        for alert_id in self.ledger.published:
            self._alert_acknowledged(alert_id)
        for (name, kind), item in self.table.items.items():
            pending = kind == "OUTCOME" and item.get("alert", {}).get("M", {}).get("state") == {"S": "pending"}
            if pending and not self._with_the_operator(self._by_id[name.removeprefix("RECORDING#")].number):
                raise Violated(3, f"{name}: its alert stays pending")

    def check_redriven(self) -> None:
        """All dead letters were redriven after the faults: only events without possible results may be left."""
        for message in self.event_dead_letters.messages.values():
            number = message.facts.recording
            if number is not None and not self._without_results(self._recordings[number]):
                raise Violated(1, f"{message.facts.name} was redriven and is a dead letter again: {message.attributes}")
        for message in self.slack_dead_letters.messages.values():
            raise Violated(1, f"{message.facts.name} was redriven and is a dead letter again: {message.attributes}")

    def _with_the_operator(self, number: int) -> bool:
        """Whether an event for it is in the dead-letter queue, so that a redrive continues it."""
        return any(message.facts.recording == number for message in self.event_dead_letters.messages.values())

    def _without_results(self, recording: Recording) -> bool:
        """Whether the vendor never has results for it."""
        return bool(recording.broken) or recording.kind_at(self._world.now_ms) is Kind.PENDING

    def _lives_on(self, facts: Facts) -> bool:
        """Whether a message that also answers it waits in a queue: for the same recording, and as new.

        For an event of discovery, any message for the same recording will do.
        """
        messages: Iterable[Message] = (*self.event_queue.messages.values(), *self.event_dead_letters.messages.values())
        known_ms = 0 if facts.discovery else min(facts.sent_ms, facts.since_ms) - _SKEW_MS
        return any(m.facts.recording == facts.recording and m.facts.since_ms >= known_ms for m in messages)

    def _check_answered(self, facts: Facts, what: str) -> None:
        """The outcome must show results as new as the event. For an event of discovery, any results will do."""
        assert facts.recording is not None
        recording = self._recordings[facts.recording]
        held = self.ledger.held.get(recording.number)
        if held is None:
            raise Violated(1, f"{facts.name} {what}, but recording {recording.number} has no outcome")
        if facts.discovery:
            return
        index = recording.index_at(facts.sent_ms)
        since = recording.states[index : recording.index_at(self._world.now_ms) + 1]
        # A judged outcome is kept while the vendor has no results.
        kept = held.judged and any(state.kind in {Kind.ABSENT, Kind.FAILED} for state in since)
        if self._shown_until(recording, held) < index and not kept:
            raise Violated(
                1, f"{facts.name} {what}, but recording {recording.number}'s outcome is older: state {held.index}"
            )
        still_there = recording.kind_at(self._world.now_ms) not in {Kind.ABSENT, Kind.FAILED}
        if still_there and self._shown_until(recording, held) < facts.fetched:
            raise Violated(2, f"{facts.name} {what}: newer results (state {facts.fetched}) were fetched and discarded")

    def _shown_until(self, recording: Recording, held: Held) -> int:
        """The newest state with the same results as the outcome."""
        if not held.judged:
            return held.index
        digest = recording.digest(held.index)
        until_now = range(held.index, recording.index_at(self._world.now_ms) + 1)
        return max(i for i in until_now if recording.states[i].judgeable and recording.digest(i) == digest)


def _settle_fetched(invocation: Invocation) -> None:
    """Credit the results that its threads fetched to their messages, except after a fault."""
    for task in invocation.tasks:
        if task.faults or task.life.faults:
            continue
        fetched = task.notes.get("ready")
        if fetched is not None:
            for facts in invocation.facts_of(task):
                facts.fetched = max(facts.fetched, fetched)
