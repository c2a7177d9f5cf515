"""Promises 2 and 6: what is written into the table is the judgement of the newest results, and never stale."""

from collections.abc import Sequence
from typing import Final, cast

from tests.simulation.documents import Document, in_shadow, reads_goals, violations
from tests.simulation.functions import Invocation
from tests.simulation.invariants.observed import Observed
from tests.simulation.invariants.secrets import SECRET
from tests.simulation.ledger import Held, InForce
from tests.simulation.queue import Facts
from tests.simulation.recordings import Kind, Recording
from tests.simulation.table import Item
from tests.simulation.world import Violated, current

_GOALS_AWAITED_MS: Final = 3_600_000
_NOT_FOUND_TAKES_MS: Final = 595_000
_CLOCKS_MS: Final = 2_000
_CACHED_MS: Final = 95_000
"""Parameters are cached for 60 s, and an invocation keeps the values that it read."""


class OutcomeInvariants:
    def __init__(self, observed: Observed, rules: Sequence[InForce], *, parameters_fail: bool) -> None:
        self._world = observed.world
        self._observed = observed
        self._ledger = observed.ledger
        self._rules = rules
        self._parameters_fail = parameters_fail
        observed.stored.table.on_write.append(self._wrote)
        observed.stored.table.on_refused.append(_refused)

    def _wrote(self, before: Item | None, after: Item) -> None:
        if after["sk"]["S"] != "OUTCOME":
            return
        if SECRET in str(after):
            raise Violated(6, f"a secret is in the outcome {after['pk']['S']}")
        name = after["pk"]["S"].removeprefix("RECORDING#")
        recording = self._observed.recording(name)
        revision, earlier = int(after["revision"]["N"]), int(before["revision"]["N"]) if before else 0
        if revision != earlier + 1:
            raise Violated(6, f"a stale write: revision {revision} of recording {recording.number} replaces {earlier}")
        # By two clocks, two judgements can have the same time.
        judgement = ("evaluated_at", "results_digest")
        if before is None or any(before.get(name) != after.get(name) for name in judgement):
            if after["status"]["S"] in {"not_found", "analysis_failed"}:
                self._without_results(recording, name, before, after)
            else:
                self._judged(recording, before, after)
        elif before["fetch_started_at"] != after["fetch_started_at"]:
            self._confirmed(recording)
        alert = after.get("alert", {}).get("M")
        if alert and alert["state"]["S"] == "published" and alert["alert_id"]["S"] not in self._ledger.published:
            raise Violated(3, f"recording {recording.number}: an alert is marked as published that never was")

    def _without_results(self, recording: Recording, name: str, before: Item | None, after: Item) -> None:
        """A new outcome that says why there is no judgement."""
        task, status, number = current(), after["status"]["S"], recording.number
        stored = self._ledger.held.get(number)
        if before and before["status"]["S"] in {"clear", "violations"}:
            raise Violated(2, f"recording {number}: {status} replaces a judged outcome")
        if stored and stored.judged and ("ALIAS#" + name, "ALIAS") in self._observed.stored.table.items:
            raise Violated(2, f"recording {number}: {status} beside its judged outcome, under its other name")
        if status == "not_found":
            asked = self._facts().not_found_ms
            if len(asked) < 3 or self._world.now_ms - asked[0] < _NOT_FOUND_TAKES_MS:
                raise Violated(2, f"recording {number}: not_found was accepted after {len(asked)} tries")
            shown = recording.index_at(self._world.now_ms)
        elif "analysis_failed" in task.notes:
            shown = task.notes["analysis_failed"]
        else:
            raise Violated(2, f"recording {number}: analysis_failed, but the vendor never said so")
        if not (stored and stored.judged):
            self._ledger.held[number] = Held(shown, judged=False)

    def _judged(self, recording: Recording, before: Item | None, after: Item) -> None:
        """A new outcome with a judgement."""
        number, stored = recording.number, self._ledger.held.get(recording.number)
        index: int = current().notes.get("fetched", -1)
        if index < 0 or after["results_digest"]["S"] != recording.digest(index):
            raise Violated(2, f"recording {number}: the outcome is not of the results that were fetched")
        if stored and stored.judged and index < stored.index:
            older = f"older results (state {index}) replace those of state {stored.index}"
            raise Violated(6, f"recording {number}: {older}")
        if before and before.get("results_digest") == after["results_digest"]:
            raise Violated(3, f"recording {number}: the same results were judged again")
        self._check_judgement(recording, index, after)
        self._ledger.held[number] = Held(index, judged=True)

    def _check_judgement(self, recording: Recording, index: int, after: Item) -> None:
        number, state = recording.number, recording.states[index]
        document = self._in_force(after["rules_version"]["S"], number)
        found = violations(recording, state, document)
        stated = {(kept["M"]["rule_id"]["S"], kept["M"]["subject"]["S"]) for kept in after["violations"]["L"]}
        if stated != found or int(after["violations_total"]["N"]) != len(found):
            raise Violated(2, f"recording {number}: judged {sorted(stated)}, but it is {sorted(found)}")
        self._check_shadow(recording, index, after, document)
        if "unjudged" in after:
            raise Violated(2, f"recording {number}: {after['unjudged']} count as unjudged, and no fact is missing")
        if state.kind is Kind.GOALS_PENDING and reads_goals(document) and not self._facts().said_evaluated:
            waited_ms = self._world.now_ms - self._facts().since_ms
            if waited_ms < _GOALS_AWAITED_MS - _CLOCKS_MS:
                raise Violated(2, f"recording {number}: judged without its goals after {waited_ms / 1000:.0f} s")
            if after.get("goals_evaluated") != {"BOOL": False}:
                raise Violated(2, f"recording {number}: judged without its goals, and does not say so")
        self._ledger.to_alert[number] |= found

    def _check_shadow(self, recording: Recording, index: int, after: Item, document: Document) -> None:
        known = "recording" in after
        found, unjudged = in_shadow(recording, recording.states[index], document, details_known=known)
        kept = after.get("shadow", {"L": []})["L"]
        stated = {(each["M"]["rule_id"]["S"], each["M"]["subject"]["S"]) for each in kept}
        left = {each["S"] for each in after.get("shadow_unjudged", {"L": []})["L"]}
        if stated != found or left != unjudged:
            said = f"{sorted(stated)}, {sorted(left)} unjudged"
            it_is = f"{sorted(found)}, {sorted(unjudged)}"
            raise Violated(2, f"recording {recording.number}: the shadow rules found {said}, but it is {it_is}")

    def _in_force(self, version: str, number: int) -> Document:
        """The document of this version, if it was in force within the cache time before the worker asked to write."""
        now_ms = current().notes["asked_ms"]
        ends = [*(rules.from_ms for rules in self._rules[1:]), self._world.now_ms + 1]
        for rules, until_ms in zip(self._rules, ends, strict=True):
            lately = self._parameters_fail or until_ms > now_ms - _CACHED_MS
            if rules.version == version and rules.document and rules.from_ms <= now_ms and lately:
                return rules.document
        raise Violated(2, f"recording {number}: judged by rules that are not in force")

    def _confirmed(self, recording: Recording) -> None:
        """A fetch found the same results again."""
        number = recording.number
        index, held = current().notes.get("fetched", -1), self._ledger.held.get(number)
        if held and not held.judged:
            self._ledger.held[number] = Held(recording.index_at(self._world.now_ms), judged=False)
        elif held and index > held.index:
            if recording.digest(index) != recording.digest(held.index):
                raise Violated(2, f"recording {number}: other results count as unchanged")
            self._ledger.held[number] = Held(index, judged=True)

    @staticmethod
    def _facts() -> Facts:
        """Of the newest message that the writing thread works on."""
        task = current()
        return cast(Invocation, task.life).facts_of(task)[0]


def _refused(stored: Item | None, values: Item) -> None:
    """A publication is a fact: no condition may refuse its mark while the same alert is pending."""
    mark, alert = values.get(":alert", {}).get("M", {}), (stored or {}).get("alert", {}).get("M", {})
    if mark.get("published_at") and alert.get("state") == {"S": "pending"} and mark["alert_id"] == alert["alert_id"]:
        raise Violated(3, f"alert {mark['alert_id']['S'][:6]} was published, and its mark is refused")
