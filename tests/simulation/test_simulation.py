"""The delivery holds its invariants under every fault, and the simulator catches broken delivery code.

A seed is a few recordings with their re-analyses, some ten events, one to ten workers, and minutes to a day of virtual
time. `make simulate` runs as many as wanted, and says what a seed costs. `make mutations` shows which seed catches each
broken variant of the delivery code.
"""

import subprocess
import sys

import pytest

from tests.simulation import backlog, mutations, parallel
from tests.simulation.event_source import failed_messages
from tests.simulation.fresh import first_seed
from tests.simulation.functions import FAILED
from tests.simulation.queue import Facts, Message, Queue
from tests.simulation.simulation import run
from tests.simulation.substitution import Substitution
from tests.simulation.table import ConditionFailed, Table, compiled
from tests.simulation.trace import Trace
from tests.simulation.world import START_MS, World

SEEDS = 500


@pytest.mark.timeout(600)
@pytest.mark.parametrize("first", [0, first_seed()])
def test_every_seed_holds_every_invariant(first: int) -> None:
    runs = list(parallel.run_seeds(first, SEEDS))
    findings = sorted((finding for part in runs for finding in part.findings), key=lambda finding: finding.seed)
    assert sum(part.seeds for part in runs) == SEEDS
    assert not findings, "\n".join(
        [*map(str, findings[:10]), f"Again: python -m tests.simulation --seed {findings[0].seed} --trace"]
    )


class TestBacklog:
    @pytest.mark.parametrize(("limit", "evaluators"), [(60, 2), (60, 5), (60, 10), (300, 5), (5, 5)])
    def test_a_backlog_of_ten_times_the_limit_uses_95_percent_of_it(self, limit: int, evaluators: int) -> None:
        done = backlog.work_off(limit=limit, times=10, evaluators=evaluators, duplicates=0.1)
        assert done.share >= 0.95
        assert done.refused == 0

    def test_also_when_many_recordings_have_no_goals_and_need_three_requests(self) -> None:
        assert backlog.work_off(without_goals=0.3).share >= 0.95

    @pytest.mark.parametrize("duplicates", [1.0, 2.0])
    def test_also_when_every_event_comes_several_times(self, duplicates: float) -> None:
        assert backlog.work_off(duplicates=duplicates).share >= 0.95

    def test_an_event_is_deferred_about_four_times(self) -> None:
        done = backlog.work_off(times=10)
        assert done.mean_deferrals < 5
        assert max(done.deferrals) < 12


class TestMutations:
    @pytest.mark.timeout(1_100)
    def test_every_mutation_is_caught(self) -> None:
        caught = list(mutations.try_all())
        assert len(caught) == len(mutations.MUTATIONS)
        assert [each.mutation for each in caught if not each.finding] == []

    def test_a_mutation_breaks_the_code_and_leaves_it_as_it_was(self) -> None:
        seed = caught_at("deferral by failing")
        assert run(seed) is None

    def test_a_text_that_the_code_does_not_hold_is_an_error(self) -> None:
        with pytest.raises(LookupError, match="does not hold once"):
            Substitution(World, "pause", "no such text", "").mutated()


class TestReplay:
    def test_a_seed_has_the_same_trace_in_every_process(self) -> None:
        program = (
            "from tests.simulation.test_simulation import _fingerprint\n"
            "print(*[_fingerprint(seed) for seed in range(40, 46)])"
        )
        fingerprints = {
            subprocess.run(
                [sys.executable, "-c", program],
                env={"PYTHONHASHSEED": hash_seed, "PYTHONPATH": ":".join(filter(None, sys.path))},
                capture_output=True,
                text=True,
                check=True,
            ).stdout
            for hash_seed in ("1", "2")
        }
        assert len(fingerprints) == 1

    def test_a_failing_seed_has_a_trace(self) -> None:
        trace = Trace()
        seed = caught_at("deferral by failing")
        with mutations.applied("deferral by failing"):
            assert run(seed, trace)
        assert "receives" in trace.text()
        assert len(trace.text().splitlines()) > 5


def caught_at(mutation: str) -> int:
    """The first seed that catches it."""
    finding = mutations.first_finding((mutation, 50)).finding
    assert finding
    return finding.seed


def _fingerprint(seed: int) -> str:
    trace = Trace()
    run(seed, trace)
    return trace.fingerprint()


class TestPartialResponses:
    """Lambda's rules under `ReportBatchItemFailures`: what it does not know fails the whole batch."""

    BATCH = ("m1", "m2")

    def failed(self, response: object) -> list[str]:
        messages = {name: Message(name, "{}", {}, 0, 0, Facts(name, None, 0, 0)) for name in self.BATCH}
        return failed_messages(response, messages)

    @pytest.mark.parametrize("response", [{}, {"batchItemFailures": []}, {"batchItemFailures": None}])
    def test_all_done(self, response: object) -> None:
        assert self.failed(response) == []

    def test_one_failed(self) -> None:
        assert self.failed({"batchItemFailures": [{"itemIdentifier": "m2"}]}) == ["m2"]

    @pytest.mark.parametrize(
        "response",
        [
            FAILED,
            "done",
            {"batchItemFailure": []},
            {"batchItemFailures": {"itemIdentifier": "m1"}},
            {"batchItemFailures": [{"itemIdentifer": "m1"}]},
            {"batchItemFailures": [{"itemIdentifier": ""}]},
            {"batchItemFailures": [{"itemIdentifier": None}]},
            {"batchItemFailures": [{"itemIdentifier": "m3"}]},
            {"batchItemFailures": ["m1"]},
        ],
    )
    def test_anything_else_fails_all(self, response: object) -> None:
        assert self.failed(response) == list(self.BATCH)


class TestQueue:
    def queue(self) -> tuple[World, Queue, Queue]:
        world = World("queue")
        dead_letters = Queue(world, "dead")
        return world, Queue(world, "queue", dead_letters), dead_letters

    def test_a_message_is_invisible_while_it_is_worked_on_and_while_it_is_delayed(self) -> None:
        world, queue, _ = self.queue()
        queue.send("now", Facts("now", None, 0, 0))
        queue.send("later", Facts("later", None, 0, 0), delay_ms=30_000)
        assert [message.body for message in queue.receive(10)] == ["now"]
        assert queue.receive(10) == []
        world.now_ms = START_MS + 30_000
        assert [message.body for message in queue.receive(10)] == ["later"]
        world.now_ms = START_MS + 180_000
        [again] = queue.receive(10)
        assert (again.body, again.receives) == ("now", 2)

    def test_the_sixth_receive_makes_a_dead_letter_of_it(self) -> None:
        world, queue, dead_letters = self.queue()
        queue.send("poison", Facts("poison", None, 0, 0), attributes={"a": 1})
        for _ in range(5):
            assert queue.receive(1)
            world.now_ms += 180_000
        assert queue.receive(1) == []
        [dead] = dead_letters.messages.values()
        assert (dead.body, dead.attributes, dead.sent_ms) == ("poison", {"a": 1}, START_MS)

    def test_a_redriven_message_is_new_but_for_its_attributes(self) -> None:
        world, queue, dead_letters = self.queue()
        dead_letters.send("dead", Facts("dead", None, 0, 0), attributes={"a": 1})
        world.now_ms += 90_000
        assert dead_letters.redrive_to(queue) == 1
        [redriven] = queue.receive(1)
        assert (redriven.attributes, redriven.sent_ms, redriven.receives) == ({"a": 1}, START_MS + 90_000, 1)
        assert dead_letters.messages == {}


class TestTable:
    def test_conditions(self) -> None:
        item = {"n": {"N": "5"}, "s": {"S": "on"}}
        values = {":5": {"N": "5"}, ":6": {"N": "6"}, ":on": {"S": "on"}, ":off": {"S": "off"}}
        for condition, holds in {
            "attribute_not_exists(n)": False,
            "attribute_exists(n)": True,
            "n = :5": True,
            "n < :6": True,
            "n >= :6": False,
            "missing <= :6": False,
            "missing <> :6": True,
            "n = :on": False,
            "#s <> :off AND n <= :5": True,
            "attribute_not_exists(n) OR (#s = :on AND n = :6)": False,
            "attribute_not_exists(n) OR #s = :on AND n = :5": True,
            "NOT n = :5": False,
        }.items():
            assert compiled(condition)(item, {"#s": "s"}, values) is holds, condition

    @pytest.mark.parametrize(
        "condition", ["size(n) > :5", "n BETWEEN :5 AND :6", "n = :5 AND", "(n = :5", "n = :5)", "begins_with(s, :on)"]
    )
    def test_an_unknown_condition_is_refused(self, condition: str) -> None:
        with pytest.raises(NotImplementedError):
            compiled(condition)

    @pytest.mark.parametrize("update", ["REMOVE a", "SET a = b", "SET a = if_not_exists(a, :x)", "ADD n :x"])
    def test_an_unknown_update_is_refused(self, update: str) -> None:
        with pytest.raises(NotImplementedError):
            Table().update({"pk": {"S": "1"}, "sk": {"S": "2"}}, update, None, {}, {":x": {"N": "1"}})

    def test_a_lost_write_changes_nothing(self) -> None:
        table = Table()
        item = {"pk": {"S": "1"}, "sk": {"S": "2"}, "n": {"N": "1"}}
        table.put(item, "attribute_not_exists(pk)", {}, {})
        with pytest.raises(ConditionFailed) as lost:
            table.put(item | {"n": {"N": "2"}}, "attribute_not_exists(pk)", {}, {})
        assert lost.value.stored == item
        assert table.get(item) == item
