"""Refused calls in the log: the first of a minute one by one, the rest as a number.

A line a call would let a flood of strangers write as much log as it likes, and log ingestion is paid by the byte.
"""

from collections import Counter
from typing import Final

from aws_lambda_powertools import Logger

from domain.ports import Clock
from runtime.function_url import Answer, Status

LOGGED_A_MINUTE: Final = 6
"""Refused calls of one status that are logged one by one in a minute. One more than the alarm on refused calls
tolerates in an hour: a single bad minute rings it, even if no call follows that would bring the rest."""

MOST_WAITING: Final = 1_000
"""Calls that may wait to be counted. More than that would be lost with the execution environment."""

_MINUTE_MS: Final = 60_000

logger = Logger()


class Refusals:
    """The refused calls of one execution environment; `now_ms` is the time in epoch milliseconds.

    Each status has its own first calls of a minute, so that a flood of one kind does not hide the reason of another.
    What waits is written with the next call that is logged: an accepted one, the first refused one of a later minute,
    or the one after `MOST_WAITING`. It is lost if Lambda ends the environment before such a call.
    """

    def __init__(self, now_ms: Clock) -> None:
        self._now_ms = now_ms
        self._minute = 0
        self._logged: Counter[Status] = Counter()
        """Refused calls of this minute that were logged one by one."""
        self._waiting: Counter[Status] = Counter()

    def log(self, answer: Answer) -> bool:
        """Log a refusal and what waited, for any other answer only what waited.

        `False` if the answer is a refusal that waits; its metrics should wait with it.
        """
        minute = self._now_ms() // _MINUTE_MS
        if minute != self._minute:
            self._minute = minute
            self._logged.clear()
        if self._logged[answer.status] >= LOGGED_A_MINUTE and self._waiting.total() < MOST_WAITING:
            self._waiting[answer.status] += 1
            return False
        if self._waiting:
            logger.warning("refused", not_logged=dict(self._waiting))
            self._waiting.clear()
        if answer.refused:
            self._logged[answer.status] += 1
            logger.warning("refused", extra={"status": answer.status, **answer.why})
        return True
