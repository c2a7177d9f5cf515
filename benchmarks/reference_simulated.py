"""The reference in the simulator's virtual time: its real code, between the simulator's exact queue and vendor.

Only its outside is replaced: the transport of `requests`, and the AWS clients. Lambda runs as many copies as for ours.
"""

from __future__ import annotations

import importlib.util
import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import ModuleType, SimpleNamespace
from typing import Any

import requests
from aws_lambda_powertools import Logger
from botocore.exceptions import ClientError

from benchmarks.world import Context
from tests.simulation.arrivals import Arrival
from tests.simulation.event_source import EventSourceMapping
from tests.simulation.faults import FaultPlan, Outside
from tests.simulation.functions import Environment, Function
from tests.simulation.queue import Facts, Queue
from tests.simulation.recordings import Recording
from tests.simulation.scenario import Scenario
from tests.simulation.vendor import API_KEY, Vendor
from tests.simulation.vendor_answers import Answer
from tests.simulation.vendor_transport import VendorTransport
from tests.simulation.world import START_MS, Task, World

_DAY_MS = 86_400_000


@dataclass
class Witness:
    """Counts requests and alerts, and checks nothing."""

    world: World
    granted_ms: list[int] = field(default_factory=list)
    refused: int = 0
    alerts: Counter[str] = field(default_factory=Counter)
    """How often each recording was alerted."""

    def departs(self, *_: object) -> None: ...

    def answers(self, _task: Task, _recording: Recording, _what: str, answer: Answer) -> None:
        if answer.status == 429:
            self.refused += 1
        else:
            self.granted_ms.append(self.world.now_ms)

    def acknowledged(self, *_: object) -> None: ...

    def failed(self, *_: object) -> None: ...


@dataclass(frozen=True)
class Played:
    """What came of it: when each request was granted, and how many were refused."""

    granted_ms: list[int]
    refused: int
    dead_letters: int
    doubled: int


def play(recordings: Sequence[Recording], arrivals: Sequence[Arrival], limit: int, workers: int) -> Played:
    """Work the events off, until all are answered or dead letters."""
    world = World("reference")
    fault_plan = FaultPlan(faults_end_ms=START_MS)
    outside = Outside(world, fault_plan)
    witness = Witness(world)
    scenario = Scenario(workers, 0, limit, limit, list(recordings), list(arrivals), fault_plan)
    vendor = Vendor(outside, scenario, lambda *_: None, witness)  # type: ignore[arg-type] # it sees all that happens
    memory = _Memory(outside)
    dead_letters = Queue(world, "dead letters")
    queue = Queue(world, "events", dead_letters)

    def worker(_: Environment) -> _Worker:
        return _Worker(_copy(outside, vendor, memory, witness))

    function = Function(world, fault_plan, worker, [Environment(f"reference-{number}", 0) for number in range(workers)])
    EventSourceMapping(world, fault_plan, queue, function, 10, witness)
    for arrival in arrivals:
        queue.send(arrival.body, Facts(arrival.name, arrival.recording, arrival.at_ms, arrival.at_ms))
    world.run(START_MS + _DAY_MS)
    return Played(witness.granted_ms, witness.refused, len(dead_letters.messages), _doubled(witness.alerts))


def _doubled(alerts: Counter[str]) -> int:
    return sum(number - 1 for number in alerts.values())


@dataclass(frozen=True)
class _Worker:
    module: ModuleType

    def handle(self, event: dict[str, Any], _: Any) -> Any:
        return self.module.lambda_handler(event, Context())


def _copy(outside: Outside, vendor: Vendor, memory: _Memory, witness: Witness) -> ModuleType:
    """The module anew: each of Lambda's environments has its own."""
    spec = importlib.util.find_spec("benchmarks.reference")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    session = requests.Session()
    session.trust_env = False
    session.mount("https://", VendorTransport(vendor))

    def publish(Subject: str, **_: Any) -> None:  # noqa: N803 (as boto3 has it)
        outside.aws("sns", "Publish", lambda: witness.alerts.update([Subject.rpartition(" ")[2]]))

    replaced: dict[str, Any] = {
        "requests": SimpleNamespace(get=session.get),
        "parameters": SimpleNamespace(get_parameter=lambda *_, **__: API_KEY),
        "table": SimpleNamespace(put_item=lambda **_: outside.aws("dynamodb", "PutItem", lambda: None)),
        "sns": SimpleNamespace(publish=publish),
    }
    vars(module).update(replaced)
    vars(module)["persistence"].client = memory
    return module


class _Memory:
    """The idempotency table, as far as the persistence layer uses it: nothing in it expires within an hour."""

    def __init__(self, outside: Outside) -> None:
        self._outside = outside
        self._items: dict[str, dict[str, Any]] = {}

    def put_item(self, Item: dict[str, Any], **_: Any) -> None:  # noqa: N803
        def put() -> None:
            stored = self._items.setdefault(Item["id"]["S"], Item)
            if stored is not Item:
                lost = {"Error": {"Code": "ConditionalCheckFailedException", "Message": ""}, "Item": stored}
                raise ClientError(lost, "PutItem")  # type: ignore[arg-type]

        self._outside.aws("dynamodb", "PutItem", put)

    def update_item(self, Key: dict[str, Any], **how: Any) -> None:  # noqa: N803
        values, names = how["ExpressionAttributeValues"], how["ExpressionAttributeNames"]
        changed = {names[f"#{name[1:]}"]: value for name, value in values.items()}

        self._outside.aws("dynamodb", "UpdateItem", lambda: self._items[Key["id"]["S"]].update(changed))

    def delete_item(self, Key: dict[str, Any], **_: Any) -> None:  # noqa: N803
        self._outside.aws("dynamodb", "DeleteItem", lambda: self._items.pop(Key["id"]["S"], None))


def silence() -> None:
    """Its log lines carry real times, and are of no use here."""
    Logger(service="reference").setLevel(logging.CRITICAL)
