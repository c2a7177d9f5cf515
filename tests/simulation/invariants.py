"""What must hold whatever happens, as issue and design number it. Looked at after every step, and at the end.

1  every accepted event ends in an outcome or, with a reason, in the dead-letter queue
2  the outcome is the judgement of the newest results that were fetched
3  every violation is alerted; none twice, except where a send's outcome was unknown, and then with the same alert id
4  no 60 seconds hold more requests than the limit allows
5  nothing is sent again before its Retry-After; waiting alone never reaches the dead-letter queue
6  no stale write survives; no secret and no spoken word is in any log line
"""

from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, cast

from tests.simulation.functions import Invocation
from tests.simulation.queue import Errand, Message, Queue
from tests.simulation.recordings import SPOKEN, Document, Kind, Recording, reads_goals, violations
from tests.simulation.table import Item, Table
from tests.simulation.world import Broken, Task, World, current

if TYPE_CHECKING:
    from tests.simulation.vendor import Answer

SECRET: Final = "SECRET"
"""Is in every secret there is."""
WINDOW_MS: Final = 60_000
_HOLD_KNOWN_MS: Final = 8_000
"""Within this time a 429 has reached the worker, and the schedule everybody shares."""
_HOLD_AFTER_401_MS: Final = 59_000
_GOALS_AWAITED_MS: Final = 3_600_000
_NOT_FOUND_TAKES_MS: Final = 595_000
_DAY_MS: Final = 86_400_000
_CLOCKS_MS: Final = 2_000
_SKEW_MS: Final = 500
"""What clocks differ by at most; an event invoked directly is dated by its worker's."""
_CACHED_MS: Final = 95_000
"""Parameters are kept for 60 s, and an invocation goes on with what it read."""


@dataclass(frozen=True)
class InForce:
    """A rules document, from a time on; `None` where what is stored is not valid."""

    from_ms: int
    version: str | None
    document: Document | None


@dataclass(frozen=True)
class Held:
    """What an outcome shows: a state of its recording."""

    index: int
    judged: bool


@dataclass(frozen=True)
class Hold:
    """Nobody may send between the two times, if the thread that was told could tell."""

    known_ms: int
    until_ms: int
    task: Task

    @property
    def told(self) -> bool:
        task = self.task
        return not (task.life.dead or task.life.frozen or task.faults or task.delays or task.life.faults)


@dataclass
class Sent:
    """A publication or a post, by whom."""

    task: Task
    answer_lost: bool
    faults: int

    @property
    def unknown(self) -> bool:
        """Whether its sender could not know, or not record, that it arrived."""
        stopped = self.task.life.dead or self.task.life.frozen
        return self.answer_lost or stopped or self.task.faults > self.faults


@dataclass
class Ledger:
    """Everything that was observed, for the end."""

    events: list[Errand] = field(default_factory=list)
    held: dict[int, Held] = field(default_factory=dict)
    to_alert: dict[int, set[tuple[str, str]]] = field(default_factory=lambda: defaultdict(set))
    alert_of: dict[tuple[int, str, str], str] = field(default_factory=dict)
    published: dict[str, list[Sent]] = field(default_factory=lambda: defaultdict(list))
    posted: dict[str, list[Sent]] = field(default_factory=lambda: defaultdict(list))
    requests_ms: list[int] = field(default_factory=list)
    """When each request left."""
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

    def accepted(self, errand: Errand) -> None:
        self.ledger.events.append(errand)

    def acknowledged(self, errand: Errand, invocation: Invocation) -> None:
        """A message is about to be forgotten."""
        _settle_fetched(invocation)
        if errand.alert_id is not None:
            self._alert_acknowledged(errand.alert_id)
        elif errand.recording is None:
            waiting = (*self.event_dead_letters.messages.values(), *self.event_queue.messages.values())
            if not any(message.errand.name == errand.name for message in waiting):
                raise Broken(1, f"{errand.name}, malformed, was acknowledged and is not in the dead-letter queue")
        elif not self._lives_on(errand):
            self._check_answered(errand, "was acknowledged")

    def failed(self, errand: Errand, invocation: Invocation, message_id: str) -> None:
        """A message goes back to its queue by a failed receive."""
        if invocation.timed_out and not any(task.delays or task.faults for task in invocation.tasks):
            raise Broken(5, f"{invocation.name} ran into the time limit though nothing held it up")
        if not invocation.excuses(message_id):
            raise Broken(5, f"{errand.name} was failed by {invocation.name} though nothing outside failed")

    def _exhausted(self, message: Message) -> None:
        """SQS makes a dead letter of it. Each receive that failed was looked at when it did."""
        self._world.tell("SQS", "{} ({}) was received too often", message.message_id, message.errand.name)

    def dead_lettered(self, task: Task, errand: Errand, reason: str) -> None:
        """A worker gives a message up."""
        waited_ms = self._world.now_ms - errand.since_ms
        notes = task.notes
        match reason:
            case "malformed_event":
                holds = errand.recording is None
            case "bad_request":
                holds = notes.get("status") == 400
            case "unusable_results":
                holds = errand.unusable >= 3 or waited_ms >= _DAY_MS - _CLOCKS_MS
            case "no_destination":
                holds = self._slack_may_be_off
            case _:
                holds = notes.get("slack_refused") or waited_ms >= _DAY_MS - _CLOCKS_MS
        if not holds:
            raise Broken(5, f"{errand.name} is given up as {reason} without cause, after {waited_ms / 1000:.0f} s")

    # ── the vendor ──

    def departs(self, task: Task) -> None:
        """A request leaves a worker."""
        now_ms = self._world.now_ms
        self.ledger.requests_ms.append(now_ms)
        invocation = cast(Invocation, task.life)
        earliest_ms = max(task.notes.get("retry_at_ms", 0), invocation.errands_of(task)[0].retry_at_ms)
        if now_ms < earliest_ms:
            raise Broken(5, f"{invocation.name} asks {earliest_ms - now_ms} ms before the server's Retry-After is over")
        self._holds = [hold for hold in self._holds if hold.until_ms > now_ms]
        for hold in self._holds:
            if hold.known_ms < now_ms and hold.told:
                raise Broken(5, f"{invocation.name} asks {hold.until_ms - now_ms} ms before a hold for everybody ends")
        if len(self._departures) == self._limit and now_ms - self._departures[0] < WINDOW_MS:
            raise Broken(4, f"{self._limit + 1} requests within {now_ms - self._departures[0]} ms")
        self._departures.append(now_ms)

    def answers(self, task: Task, recording: Recording, what: str, answer: "Answer") -> None:
        """The vendor has answered a request; the worker does not know yet."""
        now_ms = self._world.now_ms
        invocation = cast(Invocation, task.life)
        errands = invocation.errands_of(task)
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
            for errand in errands:
                errand.not_found_ms = (*errand.not_found_ms, now_ms)
        elif answer.status == 200 and answer.state is None:
            for errand in errands:
                errand.unusable += 1
        elif answer.status == 200 and what == "results":
            task.notes["fetched"] = answer.state
            if recording.kind_at(now_ms) is Kind.READY:
                task.notes["ready"] = answer.state
        elif answer.status == 200 and recording.kind_at(now_ms) is Kind.FAILED:
            task.notes["analysis_failed"] = answer.state
        elif answer.status == 200 and recording.kind_at(now_ms) is Kind.READY:
            for errand in errands:
                errand.said_evaluated = True

    # ── the table ──

    def _wrote(self, before: Item | None, after: Item) -> None:
        if after["sk"]["S"] != "OUTCOME":
            return
        if SECRET in str(after):
            raise Broken(6, f"a secret is in the outcome {after['pk']['S']}")
        name = after["pk"]["S"].removeprefix("RECORDING#")
        recording = self._by_id.get(name) or self._by_uuid[name]
        revision, earlier = int(after["revision"]["N"]), int(before["revision"]["N"]) if before else 0
        if revision != earlier + 1:
            raise Broken(6, f"a stale write: revision {revision} of recording {recording.number} replaces {earlier}")
        if before is None or before["evaluated_at"] != after["evaluated_at"]:
            self._judged(recording, name, before, after)
        elif before["fetch_started_at"] != after["fetch_started_at"]:
            self._confirmed(recording)
        alert = after.get("alert", {}).get("M")
        if alert and alert["state"]["S"] == "published" and alert["alert_id"]["S"] not in self.ledger.published:
            raise Broken(3, f"recording {recording.number}: an alert is marked as published that never was")

    def _judged(self, recording: Recording, name: str, before: Item | None, after: Item) -> None:
        """A new outcome."""
        task = current()
        status = after["status"]["S"]
        number = recording.number
        standing = self.ledger.held.get(number)
        errand = cast(Invocation, task.life).errands_of(task)[0]
        if status in {"not_found", "analysis_failed"}:
            if before and before["status"]["S"] in {"clear", "violations"}:
                raise Broken(2, f"recording {number}: {status} replaces a judged outcome")
            if standing and standing.judged and ("ALIAS#" + name, "ALIAS") in self.table.items:
                raise Broken(2, f"recording {number}: {status} beside its judged outcome, under its other name")
            if status == "not_found":
                asked = errand.not_found_ms
                if len(asked) < 3 or self._world.now_ms - asked[0] < _NOT_FOUND_TAKES_MS:
                    raise Broken(2, f"recording {number}: not_found was believed after {len(asked)} tries")
                shown = recording.index_at(self._world.now_ms)
            elif "analysis_failed" in task.notes:
                shown = task.notes["analysis_failed"]
            else:
                raise Broken(2, f"recording {number}: analysis_failed, which nobody said")
            if not (standing and standing.judged):
                self.ledger.held[number] = Held(shown, judged=False)
            return
        index: int = task.notes.get("fetched", -1)
        if index < 0 or after["results_digest"]["S"] != recording.digest(index):
            raise Broken(2, f"recording {number}: the outcome is not of the results that were fetched")
        if standing and standing.judged and index < standing.index:
            raise Broken(
                6, f"recording {number}: older results (state {index}) replace those of state {standing.index}"
            )
        if before and before.get("results_digest") == after["results_digest"]:
            raise Broken(3, f"recording {number}: the same results were judged again")
        self._check_judgement(recording, index, errand, after)
        self.ledger.held[number] = Held(index, judged=True)

    def _check_judgement(self, recording: Recording, index: int, errand: Errand, after: Item) -> None:
        number, state = recording.number, recording.states[index]
        document = self._in_force(after["rules_version"]["S"], number)
        found = violations(state, document)
        stated = {(kept["M"]["rule_id"]["S"], kept["M"]["subject"]["S"]) for kept in after["violations"]["L"]}
        if stated != found or int(after["violations_total"]["N"]) != len(found):
            raise Broken(2, f"recording {number}: judged {sorted(stated)}, but it is {sorted(found)}")
        if state.kind is Kind.GOALS_PENDING and reads_goals(document) and not errand.said_evaluated:
            waited_ms = self._world.now_ms - errand.since_ms
            if waited_ms < _GOALS_AWAITED_MS - _CLOCKS_MS:
                raise Broken(2, f"recording {number}: judged without its goals after {waited_ms / 1000:.0f} s")
            if after.get("goals_evaluated") != {"BOOL": False}:
                raise Broken(2, f"recording {number}: judged without its goals, and does not say so")
        self.ledger.to_alert[number] |= found

    def _in_force(self, version: str, number: int) -> Document:
        """The document of this version, if it was in force lately."""
        now_ms = self._world.now_ms
        ends = [*(rules.from_ms for rules in self._rules[1:]), now_ms + 1]
        for rules, until_ms in zip(self._rules, ends, strict=True):
            lately = self._parameters_fail or until_ms > now_ms - _CACHED_MS
            if rules.version == version and rules.document and rules.from_ms <= now_ms and lately:
                return rules.document
        raise Broken(2, f"recording {number}: judged by rules that are not in force")

    def _confirmed(self, recording: Recording) -> None:
        """The vendor said the same once more."""
        index, held = current().notes.get("fetched", -1), self.ledger.held.get(recording.number)
        if held and not held.judged:
            self.ledger.held[recording.number] = Held(recording.index_at(self._world.now_ms), judged=False)
        elif held and index > held.index:
            if recording.digest(index) != recording.digest(held.index):
                raise Broken(2, f"recording {recording.number}: other results count as unchanged")
            self.ledger.held[recording.number] = Held(index, judged=True)

    # ── alerts ──

    def published(self, task: Task, alert: Mapping[str, Any]) -> None:
        """The topic has taken an alert."""
        ledger, alert_id = self.ledger, alert["alert_id"]
        number = self._by_id[str(alert["recording_id"])].number
        for violation in alert["violations"]:
            about = (number, violation["rule_id"], violation["subject"])
            if ledger.alert_of.setdefault(about, alert_id) != alert_id:
                raise Broken(3, f"recording {number}: {about[1:]} is alerted again under another alert id")
        self._add_send(ledger.published[alert_id], task, f"alert {alert_id[:6]} is published again")

    def posts(self, task: Task) -> None:
        """A post leaves for Slack."""
        until_ms, told = self._slack_waits.get(task.notes["alert_id"], (0, None))
        if self._world.now_ms < until_ms and told and not (told.life.dead or told.faults):
            early_ms = until_ms - self._world.now_ms
            raise Broken(5, f"{task.life.name} posts {early_ms} ms before Slack's Retry-After is over")

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
            raise Broken(3, f"{what} by {task.life.name} though its first sender knows that it arrived")
        earlier.append(Sent(task, task.notes.get("answer_lost", False), task.faults))

    def _alert_acknowledged(self, alert_id: str) -> None:
        waiting = (*self.slack_queue.messages.values(), *self.slack_dead_letters.messages.values())
        if self.ledger.posted[alert_id] or any(message.errand.alert_id == alert_id for message in waiting):
            return
        if not self._slack_may_be_off:
            raise Broken(3, f"alert {alert_id[:6]} was acknowledged by the notifier and never posted")

    # ── logs ──

    def logged(self, text: str) -> None:
        for marker in (SPOKEN, SECRET):
            if marker in text:
                at = text.index(marker)
                raise Broken(6, f"a log line holds …{text[max(0, at - 60) : at + 40]}…")

    # ── the end ──

    def check_end(self) -> None:
        """Everything outside is well, and nothing is under way any more."""
        for errand in self.ledger.events:
            if errand.recording is not None and not self._lives_on(errand):
                self._check_answered(errand, "is gone")
        for number, wanted in self.ledger.to_alert.items():
            alerted = {(rule, subject) for of, rule, subject in self.ledger.alert_of if of == number}
            if wanted - alerted and not self._with_the_operator(number):
                raise Broken(3, f"recording {number}: never alerted: {sorted(wanted - alerted)}")
            if alerted - wanted:
                raise Broken(3, f"recording {number}: alerted, but in no outcome: {sorted(alerted - wanted)}")
        for alert_id in self.ledger.published:
            self._alert_acknowledged(alert_id)
        for (name, kind), item in self.table.items.items():
            pending = kind == "OUTCOME" and item.get("alert", {}).get("M", {}).get("state") == {"S": "pending"}
            if pending and not self._with_the_operator(self._by_id[name.removeprefix("RECORDING#")].number):
                raise Broken(3, f"{name}: its alert is pending for ever")

    def check_redriven(self) -> None:
        """All dead letters were redriven while everything outside is well: only the hopeless may be left."""
        for message in self.event_dead_letters.messages.values():
            number = message.errand.recording
            if number is not None and not self._hopeless(self._recordings[number]):
                raise Broken(1, f"{message.errand.name} was redriven and is a dead letter again: {message.attributes}")
        for message in self.slack_dead_letters.messages.values():
            raise Broken(1, f"{message.errand.name} was redriven and is a dead letter again: {message.attributes}")

    def _with_the_operator(self, number: int) -> bool:
        """Whether an event for it is in the dead-letter queue: its redrive carries everything on."""
        return any(message.errand.recording == number for message in self.event_dead_letters.messages.values())

    def _hopeless(self, recording: Recording) -> bool:
        """Whether the vendor will never have results for it."""
        return bool(recording.broken) or recording.kind_at(self._world.now_ms) is Kind.PENDING

    def _lives_on(self, errand: Errand) -> bool:
        """Whether a message that answers it too waits to be delivered, or for the operator: for the same recording and
        as new, or any for the same recording where discovery asked."""
        messages: Iterable[Message] = (*self.event_queue.messages.values(), *self.event_dead_letters.messages.values())
        known_ms = 0 if errand.discovery else min(errand.sent_ms, errand.since_ms) - _SKEW_MS
        return any(m.errand.recording == errand.recording and m.errand.since_ms >= known_ms for m in messages)

    def _check_answered(self, errand: Errand, what: str) -> None:
        """The outcome held must be of results as new as the event (of any, for an event of discovery's)."""
        assert errand.recording is not None
        recording = self._recordings[errand.recording]
        held = self.ledger.held.get(recording.number)
        if held is None:
            raise Broken(1, f"{errand.name} {what}, but recording {recording.number} has no outcome")
        if errand.discovery:
            return
        index = recording.index_at(errand.sent_ms)
        since = recording.states[index : recording.index_at(self._world.now_ms) + 1]
        # A judged outcome is kept where the vendor has nothing better to say.
        kept = held.judged and any(state.kind in {Kind.ABSENT, Kind.FAILED} for state in since)
        if self._shown_until(recording, held) < index and not kept:
            raise Broken(
                1, f"{errand.name} {what}, but recording {recording.number}'s outcome is older: state {held.index}"
            )
        still_there = recording.kind_at(self._world.now_ms) not in {Kind.ABSENT, Kind.FAILED}
        if still_there and self._shown_until(recording, held) < errand.fetched:
            raise Broken(
                2, f"{errand.name} {what}: newer results (state {errand.fetched}) were fetched and thrown away"
            )

    def _shown_until(self, recording: Recording, held: Held) -> int:
        """The newest state that looks exactly like the one held."""
        if not held.judged:
            return held.index
        digest = recording.digest(held.index)
        until_now = range(held.index, recording.index_at(self._world.now_ms) + 1)
        return max(i for i in until_now if recording.states[i].judgeable and recording.digest(i) == digest)


def _settle_fetched(invocation: Invocation) -> None:
    """What its threads fetched has been fetched for their messages, unless something outside made them forget it."""
    for task in invocation.tasks:
        if task.faults or task.life.faults:
            continue
        fetched = task.notes.get("ready")
        if fetched is not None:
            for errand in invocation.errands_of(task):
                errand.fetched = max(errand.fetched, fetched)
