"""Conditional writes, batch reads and batch writes, as every item of the outcome table needs them."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from adapters.dynamodb.keys import Item, Key
from domain.errors import Conflict

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_READ_LIMIT: Final = 100
"""The most keys that DynamoDB takes in one `BatchGetItem`."""
_WRITE_LIMIT: Final = 25
"""The most items that DynamoDB takes in one `BatchWriteItem`."""
_TRIES: Final = 5
"""DynamoDB may leave part of a batch undone: reads beyond 16 MB, and throttled items."""

UNREADABLE: Final = (KeyError, TypeError, ValueError)
"""What reading an item raises that another release or a person wrote."""


class LostWrite(Conflict):
    """The condition did not hold. `stored` is the item in the table, if the write asked for it, else empty."""

    def __init__(self, stored: Item) -> None:
        super().__init__("Another worker wrote the item first.")
        self.stored = stored


@contextmanager
def conditional() -> Iterator[None]:
    """Turn a failed condition of the write inside into `LostWrite`. Other errors pass."""
    try:
        yield
    except ClientError as error:
        if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
            raise
        stored: Any = error.response.get("Item", {})
        raise LostWrite(stored) from error


def at_revision(revision: int) -> dict[str, Any]:
    """Arguments for a write that replaces this revision of the item. Revision 0 means that no item exists yet."""
    if revision == 0:
        return {"ConditionExpression": "attribute_not_exists(pk)"}
    return {
        "ConditionExpression": "revision = :replaced",
        "ExpressionAttributeValues": {":replaced": {"N": str(revision)}},
    }


def batch_read(
    dynamodb: "DynamoDBClient", table: str, keys: Iterable[Key], attributes: Sequence[str], *, consistent: bool
) -> dict[Key, Item]:
    """The items that exist, with their keys and these attributes. An eventually consistent read costs half.

    Raises `TimeoutError` where DynamoDB keeps leaving keys unread: an item not read must not pass for a missing one.
    """
    names = {f"#{number}": name for number, name in enumerate(("pk", "sk", *attributes))}
    distinct = [key.attributes for key in dict.fromkeys(keys)]
    found: dict[Key, Item] = {}
    for start in range(0, len(distinct), _READ_LIMIT):
        left: Any = {
            table: {
                "Keys": distinct[start : start + _READ_LIMIT],
                "ConsistentRead": consistent,
                "ProjectionExpression": ", ".join(names),
                "ExpressionAttributeNames": names,
            }
        }
        for _ in range(_TRIES):
            answer = dynamodb.batch_get_item(RequestItems=left)
            found |= {Key.of(item): item for item in answer["Responses"].get(table, [])}
            left = answer.get("UnprocessedKeys")
            if not left:
                break
        else:
            raise TimeoutError(f"DynamoDB left keys of {table} unread {_TRIES} times")
    return found


def batch_write(dynamodb: "DynamoDBClient", table: str, items: Sequence[Item]) -> None:
    """Put items without a condition. Raises `TimeoutError` where DynamoDB keeps leaving items unwritten."""
    for start in range(0, len(items), _WRITE_LIMIT):
        left: Any = {table: [{"PutRequest": {"Item": item}} for item in items[start : start + _WRITE_LIMIT]]}
        for _ in range(_TRIES):
            left = dynamodb.batch_write_item(RequestItems=left).get("UnprocessedItems")
            if not left:
                break
        else:
            raise TimeoutError(f"DynamoDB left items of {table} unwritten {_TRIES} times")
