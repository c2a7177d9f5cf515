"""The boto3 clients a worker has: exactly the calls the adapters make, in front of the simulated services."""
# ruff: noqa: ARG002, N803 - the parameters are named by AWS, and not all of them matter here

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final, cast

from botocore.exceptions import ClientError

from adapters.message_queue import HISTORY_ATTRIBUTE
from tests.simulation.faults import Outside
from tests.simulation.functions import Invocation
from tests.simulation.invariants.every import Invariants
from tests.simulation.queue import MAX_DELAY_S, Facts, Queue
from tests.simulation.refusal import require
from tests.simulation.table import ConditionFailed, Item, Table
from tests.simulation.world import Task, current

TABLE: Final = "outcomes"
_SHARED: Final = "BUDGET"
"""The key of the item that the threads of a worker share."""
_MAX_MESSAGE_BYTES: Final = 1_048_576
_MAX_ITEM_BYTES: Final = 409_600


class DynamoDb:
    def __init__(self, outside: Outside, table: Table) -> None:
        self._outside = outside
        self._table = table

    def put_item(
        self,
        *,
        TableName: str,
        Item: Item,
        ConditionExpression: str | None = None,
        ExpressionAttributeNames: dict[str, str] | None = None,
        ExpressionAttributeValues: Item | None = None,
        ReturnValuesOnConditionCheckFailure: str = "NONE",
    ) -> dict[str, Any]:
        if "results" in Item:  # No other item can grow so long.
            require(len(str(Item)) <= _MAX_ITEM_BYTES, "400 KB an item, and DynamoDB counts less than this text")

        def effect() -> dict[str, Any]:
            self._table.put(Item, ConditionExpression, ExpressionAttributeNames or {}, ExpressionAttributeValues or {})
            return {}

        return self._write(f"put {_name(Item)}", effect, ReturnValuesOnConditionCheckFailure)

    def update_item(
        self,
        *,
        TableName: str,
        Key: Item,
        UpdateExpression: str,
        ConditionExpression: str | None = None,
        ExpressionAttributeNames: dict[str, str] | None = None,
        ExpressionAttributeValues: Item | None = None,
        ReturnValues: str = "NONE",
        ReturnValuesOnConditionCheckFailure: str = "NONE",
    ) -> dict[str, Any]:
        def effect() -> dict[str, Any]:
            before = self._table.update(
                Key,
                UpdateExpression,
                ConditionExpression,
                ExpressionAttributeNames or {},
                ExpressionAttributeValues or {},
            )
            if ReturnValues == "UPDATED_NEW":
                return {"Attributes": self._table.get(Key)}
            return {"Attributes": before} if before and ReturnValues == "ALL_OLD" else {}

        return self._write(f"update {_name(Key)}", effect, ReturnValuesOnConditionCheckFailure)

    def get_item(self, *, TableName: str, Key: Item, ConsistentRead: bool) -> dict[str, Any]:
        require(ConsistentRead, "reads must be consistent")

        def effect() -> dict[str, Any]:
            item = self._table.get(Key)
            return {"Item": item} if item else {}

        return self._outside.aws("dynamodb", f"get {_name(Key)}", effect, shared=_SHARED in _name(Key))

    def batch_get_item(self, *, RequestItems: dict[str, Any]) -> dict[str, Any]:
        ((table, wanted),) = RequestItems.items()
        names = [wanted["ExpressionAttributeNames"][name] for name in wanted["ProjectionExpression"].split(", ")]
        keys = wanted["Keys"]
        require(0 < len(keys) <= 100 and len({str(key) for key in keys}) == len(keys), "1 to 100 distinct keys")

        def effect() -> dict[str, Any]:
            found = [item for key in keys if (item := self._found(key, wanted))]
            projected = [{name: item[name] for name in names if name in item} for item in found]
            return {"Responses": {table: projected}, "UnprocessedKeys": {}}

        what = f"read {', '.join(_name(key) for key in keys)}"
        return self._outside.aws("dynamodb", what, effect, shared=True)

    def _found(self, key: Item, wanted: Mapping[str, Any]) -> Item | None:
        require(wanted["ConsistentRead"], "reads must be consistent")
        return self._table.get(key)

    def _write(self, what: str, effect: Callable[[], dict[str, Any]], on_failure: str) -> dict[str, Any]:
        world = self._outside.world

        def attempt() -> dict[str, Any] | ConditionFailed:
            try:
                return effect()
            except ConditionFailed as failure:
                return failure

        answer = self._outside.aws("dynamodb", what, attempt, shared=_SHARED in what)
        if isinstance(answer, ConditionFailed):
            current().notes["lost_writes"] = current().notes.get("lost_writes", 0) + 1
            world.log(current().life.name, "  {}: the condition does not hold", what)
            response: dict[str, Any] = {"Error": {"Code": "ConditionalCheckFailedException", "Message": "no"}}
            if answer.stored and on_failure == "ALL_OLD":
                response["Item"] = answer.stored
            raise ClientError(cast(Any, response), what)
        world.log(current().life.name, "  {}", what)
        return answer


class Sqs:
    """Knows the queues by their URLs, which are their names here."""

    def __init__(self, outside: Outside, queues: Mapping[str, Queue], invariants: Invariants) -> None:
        self._outside = outside
        self._queues = queues
        self._invariants = invariants

    def send_message(
        self,
        *,
        QueueUrl: str,
        MessageBody: str,
        MessageAttributes: dict[str, Any],
        DelaySeconds: int = 0,
    ) -> dict[str, Any]:
        require(0 <= DelaySeconds <= MAX_DELAY_S, f"DelaySeconds {DelaySeconds}")
        require(0 < len(MessageBody.encode()) <= _MAX_MESSAGE_BYTES, "1 byte to 1 MB")
        queue = self._queues[QueueUrl]
        task = current()
        invocation = cast(Invocation, task.life)
        facts, failures = invocation.facts_behind(task, MessageBody)
        text = MessageAttributes.get(HISTORY_ATTRIBUTE)
        history = json.loads(text["StringValue"]) if text else None
        self._invariants.events.sends_on(invocation, facts)

        def effect() -> dict[str, Any]:
            reason = MessageAttributes.get("dead_letter_reason", {}).get("StringValue")
            if reason:
                self._invariants.events.dead_lettered(task, facts, reason, failures)
            else:
                self._invariants.ledger.deferrals[facts.name] += 1
            copy = queue.send(
                MessageBody,
                self._copied(facts, task, history),
                DelaySeconds * 1000,
                MessageAttributes,
            )
            if history:
                copy.earlier_failures = failures - 1
            self._outside.world.log(
                task.life.name, "  sends {} to {} in {} s {}", copy.message_id, facts.name, DelaySeconds, reason or ""
            )
            return {"MessageId": copy.message_id}

        return self._outside.aws("sqs", f"send to {QueueUrl}", effect)

    def _copied(self, facts: Facts, task: Task, history: dict[str, Any] | None) -> Facts:
        return replace(
            facts,
            retry_at_ms=task.notes.get("retry_at_ms", 0) if history else 0,
            fetched=max(facts.fetched, task.notes.get("ready", -1)),
            destination=history["destination"] if history else "",
            outrun=history["outrun"] if history else "",
            deferrals=facts.deferrals + 1 if history else 0,
            late=cast(Invocation, task.life).over,
        )

    def change_message_visibility(self, *, QueueUrl: str, ReceiptHandle: str, VisibilityTimeout: int) -> None:
        require(0 <= VisibilityTimeout <= 43_200, f"VisibilityTimeout {VisibilityTimeout}")
        queue = self._queues[QueueUrl]
        name = ReceiptHandle.partition("/")[0]

        def effect() -> None:
            message = queue.messages.get(name)
            if message and message.receipt == ReceiptHandle:
                failures = cast(Invocation, current().life).failures(message)
                self._invariants.events.backed_off(message.facts, failures)
                queue.show_again(message, VisibilityTimeout * 1000)

        self._outside.aws("sqs", f"show {name} again in {VisibilityTimeout} s", effect)


class Ssm:
    def __init__(self, outside: Outside, entries: Mapping[str, str]) -> None:
        self._outside = outside
        self._entries = entries

    def get_parameters(self, *, Names: list[str], WithDecryption: bool) -> dict[str, Any]:
        require(WithDecryption, "secrets must be decrypted")

        def effect() -> dict[str, Any]:
            found = [{"Name": name, "Value": self._entries[name]} for name in Names if name in self._entries]
            return {"Parameters": found, "InvalidParameters": [name for name in Names if name not in self._entries]}

        return self._outside.aws("ssm", "read the parameters", effect, shared=True)


def _name(key: Item) -> str:
    return f"{key['pk']['S']} {key['sk']['S']}"
