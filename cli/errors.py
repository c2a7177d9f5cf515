"""How a command ends, and the errors that end it with one sentence.

0   fine
1   findings: the command worked, and something needs a hand
2   a bad argument or document; nothing was changed
3   the stack or AWS cannot be reached
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum
from typing import NoReturn

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
    NoRegionError,
    ProfileNotFound,
)


class Exit(IntEnum):
    FINE = 0
    FINDINGS = 1
    MISUSED = 2
    UNREACHABLE = 3
    INTERRUPTED = 130


class CommandError(Exception):
    """Ends a command. Its text says what happened and what to do; `code` is the exit code."""

    def __init__(self, message: str, code: Exit = Exit.MISUSED) -> None:
        super().__init__(message)
        self.code = code


@contextmanager
def told_in_a_sentence() -> Iterator[None]:
    """End the process with a sentence on standard error, and the right code, whatever of AWS or the user ends it."""
    try:
        yield
    except CommandError as error:
        _end(str(error), error.code)
    except NoCredentialsError:
        _end("No AWS credentials are found. Log in (`aws login`), or set AWS_PROFILE.", Exit.UNREACHABLE)
    except NoRegionError:
        _end("No AWS region is set. Give one (`make … REGION=…`, `ica … --region …`), or set AWS_REGION.", Exit.MISUSED)
    except ProfileNotFound as error:
        _end(f"{error}. `aws configure list-profiles` shows those there are.", Exit.UNREACHABLE)
    except EndpointConnectionError as error:
        _end(f"AWS cannot be reached: {error}", Exit.UNREACHABLE)
    except (BotoCoreError, ClientError) as error:
        _end(f"AWS says: {error}", Exit.UNREACHABLE)
    except KeyboardInterrupt:
        _end("\nStopped.", Exit.INTERRUPTED)
    except BrokenPipeError:
        sys.stderr.close()  # the reader closed the pipe
        raise SystemExit(Exit.FINE) from None


def _end(message: str, code: Exit) -> NoReturn:
    print(message, file=sys.stderr)
    raise SystemExit(code)
