"""The boto3 clients of the triggers: events sent to the queue, and DynamoDB's eventually consistent reads."""
# ruff: noqa: N803 - the parameters are named by AWS, and not all of them matter here

import json
from collections.abc import Mapping
from typing import Any, Final, cast

from tests.simulation.aws import DynamoDb
from tests.simulation.faults import Outside
from tests.simulation.functions import Invocation
from tests.simulation.invariants.every import Invariants
from tests.simulation.queue import Facts, Queue
from tests.simulation.table import Item, Table
from tests.simulation.world import World, current

LAG_MS: Final = 1_000
"""An eventually consistent read shows everything written longer ago."""


class TriggerSqs:
    """The event queue, for the webhook and for discovery."""

    def __init__(self, outside: Outside, queue: Queue, invariants: Invariants) -> None:
        self._outside = outside
        self._queue = queue
        self._invariants = invariants
        self._count = 0

    def send_message(self, *, QueueUrl: str, MessageBody: str) -> dict[str, Any]:
        """An event that the webhook has received."""
        task = current()
        posted = cast(Invocation, task.life).direct
        assert posted is not None

        def effect() -> dict[str, Any]:
            now_ms = self._outside.world.now_ms
            self._send(MessageBody, Facts(posted.name, posted.recording, now_ms, now_ms, by_uuid=posted.by_uuid))
            task.notes["enqueued"] = True
            return {"MessageId": posted.name}

        return self._outside.aws("sqs", f"send to {QueueUrl}", effect)

    def send_message_batch(self, *, QueueUrl: str, Entries: list[dict[str, str]]) -> dict[str, Any]:
        """Events of discovery. Where AWS fails at all, the queue often refuses some of them."""
        if not 1 <= len(Entries) <= 10 or len({entry["Id"] for entry in Entries}) != len(Entries):
            raise BaseException("1 to 10 entries with distinct ids")  # noqa: TRY002
        task, world, fault_plan = current(), self._outside.world, self._outside.fault_plan
        names = [str(json.loads(entry["MessageBody"])["recording_id"]) for entry in Entries]

        def effect() -> dict[str, Any]:
            answer: dict[str, Any] = {"Successful": [], "Failed": []}
            for entry, name in zip(Entries, names, strict=True):
                if world.now_ms < fault_plan.faults_end_ms and world.chance(10 * fault_plan.error_probability):
                    task.faults += 1
                    answer["Failed"].append({"Id": entry["Id"], "Code": "ThrottlingException"})
                else:
                    self._announce(entry["MessageBody"], name)
                    answer["Successful"].append({"Id": entry["Id"]})
            return answer

        return self._outside.aws("sqs", f"send {', '.join(names)} to {QueueUrl}", effect)

    def _announce(self, body: str, name: str) -> None:
        now_ms = self._outside.world.now_ms
        discovery = self._invariants.discovery
        assert discovery is not None
        recording = discovery.announces(current(), name)
        self._count += 1
        facts = Facts(f"discovery {recording.number}/{self._count}", recording.number, now_ms, now_ms, discovery=True)
        self._send(body, facts)

    def _send(self, body: str, facts: Facts) -> None:
        message = self._queue.send(body, facts)
        self._invariants.events.accepted(facts)
        self._outside.world.log(current().life.name, "  sends {} for {}", message.message_id, facts.name)


class Replica:
    """What an eventually consistent read sees: perhaps not yet a write of the last second, and no expired item."""

    def __init__(self, world: World, table: Table) -> None:
        self._world = world
        self._table = table
        self._earlier: dict[tuple[str, str], tuple[int, Item | None]] = {}
        table.on_write.append(self._wrote)

    def _wrote(self, before: Item | None, after: Item) -> None:
        self._earlier[after["pk"]["S"], after["sk"]["S"]] = (self._world.now_ms, before)

    def get(self, key: Item) -> Item | None:
        written_ms, before = self._earlier.get((key["pk"]["S"], key["sk"]["S"]), (0, None))
        lags = self._world.now_ms - written_ms < LAG_MS and self._world.chance(0.5)
        item = before if lags else self._table.get(key)
        # DynamoDB may delete an item as soon as it has expired.
        expired = item and "expires_at" in item and int(item["expires_at"]["N"]) * 1000 <= self._world.now_ms
        return None if expired else item


class TriggerDynamoDb(DynamoDb):
    """As discovery uses it."""

    def __init__(self, outside: Outside, table: Table, replica: Replica) -> None:
        super().__init__(outside, table)
        self._replica = replica

    def _found(self, key: Item, wanted: Mapping[str, Any]) -> Item | None:
        notes = current().notes
        if key["sk"]["S"] == "ALIAS" or (key["sk"]["S"] == "OUTCOME" and not notes.get("by_uuid")):
            # The first read of a look-up. Where the list names UUIDs, that is of the aliases.
            notes["looked_up_ms"] = self._outside.world.now_ms
            notes["by_uuid"] = key["sk"]["S"] == "ALIAS"
        return super()._found(key, wanted) if wanted["ConsistentRead"] else self._replica.get(key)

    def batch_write_item(self, *, RequestItems: dict[str, Any]) -> dict[str, Any]:
        ((_, puts),) = RequestItems.items()
        items = [put["PutRequest"]["Item"] for put in puts]
        keys = {(item["pk"]["S"], item["sk"]["S"]) for item in items}
        if not 1 <= len(items) <= 25 or len(keys) != len(items):
            raise BaseException("1 to 25 distinct items")  # noqa: TRY002

        def effect() -> dict[str, Any]:
            for item in items:
                self._table.put(item, None, {}, {})
            return {"UnprocessedItems": {}}

        return self._outside.aws("dynamodb", f"put {', '.join(pk for pk, _ in sorted(keys))}", effect)
