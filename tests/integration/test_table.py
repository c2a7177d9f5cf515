"""Batch reads and batch writes: limits of DynamoDB, and what it leaves undone."""

from typing import Any

import pytest

from adapters.dynamodb.keys import Key
from adapters.dynamodb.table import batch_read, batch_write
from tests.integration.aws import TABLE, Aws

KEYS = [Key(f"K#{number}", "X") for number in range(150)]
ITEMS = [key.attributes | {"number": {"N": str(number)}} for number, key in enumerate(KEYS)]


class Stuttering:
    """A client that leaves the last part of a batch undone so many times. `sizes` are the parts it was given."""

    def __init__(self, aws: Aws, times: int = 0) -> None:
        self._dynamodb, self._times = aws.dynamodb, times
        self.sizes: list[int] = []

    def batch_get_item(self, *, RequestItems: dict[str, Any]) -> dict[str, Any]:  # noqa: N803 - boto3's name
        asked = RequestItems[TABLE]
        done, left = self._split(asked["Keys"])
        answer: dict[str, Any] = {"Responses": {}}
        if done:
            answer = dict(self._dynamodb.batch_get_item(RequestItems={TABLE: asked | {"Keys": done}}))
        return answer | {"UnprocessedKeys": {TABLE: asked | {"Keys": left}} if left else {}}

    def batch_write_item(self, *, RequestItems: dict[str, Any]) -> dict[str, Any]:  # noqa: N803 - boto3's name
        done, left = self._split(RequestItems[TABLE])
        if done:
            self._dynamodb.batch_write_item(RequestItems={TABLE: done})
        return {"UnprocessedItems": {TABLE: left} if left else {}}

    def _split(self, parts: list[Any]) -> tuple[list[Any], list[Any]]:
        self.sizes.append(len(parts))
        if not self._times:
            return parts, []
        self._times -= 1
        return parts[:-1], parts[-1:]


def read(client: Any, keys: list[Key]) -> dict[Key, Any]:
    return batch_read(client, TABLE, keys, ["number"], consistent=True)


def test_any_number_is_written_and_read_in_parts_that_dynamodb_takes(aws: Aws) -> None:
    client: Any = Stuttering(aws)
    batch_write(client, TABLE, ITEMS)
    assert client.sizes == [25] * 6
    client.sizes.clear()
    assert read(client, [*KEYS, KEYS[0], Key("K#?", "X")]) == dict(zip(KEYS, ITEMS, strict=True))
    assert client.sizes == [100, 51]


def test_an_item_left_undone_is_asked_for_again(aws: Aws) -> None:
    client: Any = Stuttering(aws, 4)
    batch_write(client, TABLE, ITEMS[:6])
    assert len(aws.items()) == 6
    client = Stuttering(aws, 4)
    assert len(read(client, KEYS[:6])) == 6


def test_an_item_that_stays_undone_is_an_error_and_not_absent(aws: Aws) -> None:
    stubborn: Any = Stuttering(aws, 5)
    with pytest.raises(TimeoutError, match="unread"):
        read(stubborn, KEYS[:1])
    stubborn = Stuttering(aws, 5)
    with pytest.raises(TimeoutError, match="unwritten"):
        batch_write(stubborn, TABLE, ITEMS[:1])


def test_an_empty_batch_makes_no_call(aws: Aws) -> None:
    assert read(aws.dynamodb, []) == {}
    batch_write(aws.dynamodb, TABLE, [])
    assert aws.calls.names == []
