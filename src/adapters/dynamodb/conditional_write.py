"""Conditional writes: the one AWS error that is not a failure but an answer."""

from collections.abc import Callable
from typing import Any, TypeVar

from botocore.exceptions import ClientError

from domain.errors import Conflict

T = TypeVar("T")


class LostWrite(Conflict):
    """The condition did not hold. `standing` is the item that stands instead, where the write asked for it."""

    def __init__(self, standing: dict[str, Any]) -> None:
        super().__init__("Another worker wrote the item first.")
        self.standing = standing


def fenced(write: Callable[[], T]) -> T:
    """Perform a conditional write, raising `LostWrite` where its condition does not hold."""
    try:
        return write()
    except ClientError as error:
        if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
            raise
        standing: Any = error.response.get("Item", {})
        raise LostWrite(standing) from error
