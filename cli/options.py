"""The options that commands share. They follow the command's name."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Final

import typer

DEFAULT_STACK: Final = "identitycall-alerts"


class Output(StrEnum):
    TABLE = "table"
    JSON = "json"


StackName = Annotated[str, typer.Option("--stack", help="the deployed stack's name")]
Region = Annotated[
    str | None, typer.Option("--region", help="its AWS region; else the one that AWS_REGION or the profile names")
]
Format = Annotated[Output, typer.Option("--output", "-o", help="for people, or for programs")]
