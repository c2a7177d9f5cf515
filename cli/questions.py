"""Questions at the terminal, or with piped answers."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Mapping, Sequence
from typing import TextIO

from cli.errors import CommandError
from cli.template_parameters import Parameter

_EMPTY = "-"
_LINE = 100


def say(line: str) -> None:
    print(line, flush=True)


def ask_all(parameters: Sequence[Parameter], offered: Mapping[str, str], answers: TextIO) -> dict[str, str]:
    """Ask for the value of each parameter. Raises `CommandError` if the answers end at a value that is refused."""
    say(f"  Enter keeps the value in brackets. {_EMPTY} makes it empty.")
    return {each.name: _ask(each, offered[each.name], answers) for each in parameters}


def _ask(parameter: Parameter, offered: str, answers: TextIO) -> str:
    """Ask until the template takes the answer."""
    say("\n" + textwrap.fill(parameter.description, _LINE, initial_indent="  ", subsequent_indent="  "))
    while True:
        answer = _read(f"  {parameter.name} [{offered}]: ", answers)
        ended = answer is None
        value = offered if not answer else "" if answer == _EMPTY else answer
        fault = parameter.fault(value)
        if fault is None:
            return value
        if ended:
            raise CommandError(f"{parameter.name} {fault}; {value!r} is not.")
        say(f"  {parameter.name} {fault}.")


def agreed(question: str, answers: TextIO) -> bool:
    """Ask yes or no. Enter, or the end of piped answers, is yes."""
    answer = _read(f"\n{question} [Y/n]: ", answers)
    return (answer or "y").lower() in {"y", "yes"}


def agreed_to_change(question: str, *, yes: bool) -> bool:
    """Ask before something is written; `yes` answers. Enter is no. The question is on standard error.

    Raises `CommandError` where standard input is no terminal, so that nobody could answer.
    """
    if yes:
        return True
    if not sys.stdin.isatty():
        raise CommandError("Nothing was changed: nobody can answer here. Say --yes to agree beforehand.")
    print(f"{question} [y/N]: ", end="", file=sys.stderr, flush=True)
    line = sys.stdin.readline()
    if not line:
        raise KeyboardInterrupt
    return line.strip().lower() in {"y", "yes"}


def _read(prompt: str, answers: TextIO) -> str | None:
    """One answer; None keeps the offered value, once piped answers have ended. Ctrl-D at a terminal stops."""
    print(prompt, end="", flush=True)
    line = answers.readline()
    if not line and answers.isatty():
        raise KeyboardInterrupt
    if not answers.isatty():
        print(line.strip())  # so that the record of a pipe reads like that of a terminal
    return line.strip() if line else None
