"""The log of the workers: the invariants check what each line holds. Nothing is formatted or written."""

import sys
from traceback import format_exception
from typing import Any

from tests.simulation.invariants.secrets import check_log_line


class CheckedLog:
    """The part of Powertools' logger that the workers use. `exc_info`: an error whose trace the line holds."""

    def info(self, message: str, *, exc_info: BaseException | bool = False, **fields: Any) -> None:
        error = sys.exception() if exc_info is True else exc_info or None
        trace = format_exception(error) if error else ()
        check_log_line("\n".join((message, repr(fields), *trace)))

    warning = error = info
