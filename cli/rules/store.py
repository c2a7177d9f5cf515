"""Writes a rules document to Parameter Store, and reads back that it stands there."""

from __future__ import annotations

import boto3
from botocore.exceptions import ClientError

from cli.errors import CommandError, Exit
from cli.rules.document import Document
from cli.rules.stored import Stored, entry_of, read_stored
from cli.stack import Stack
from domain import wording

_LONGEST_DESCRIPTION = 1_024


def store(
    session: boto3.Session, stack: Stack, document: Document, *, replaces: Stored | None, force: str | None
) -> Stored:
    """Store it as the next version after `replaces`, and return what is in force then.

    Raises `CommandError` where somebody else stored another version meanwhile. Parameter Store has no conditional
    write, so a change in the same moment is only noticed afterwards; it stays in the history.
    """
    name = entry_of(stack)
    now = read_stored(session, stack)
    if (now and now.version) != (replaces and replaces.version):
        raise CommandError(f"{name} was changed meanwhile. Nothing was stored; look again.", Exit.FINDINGS)
    ssm = session.client("ssm")
    try:
        version = ssm.put_parameter(
            Name=name,
            Value=document.stored,
            Type="String",
            Tier="Intelligent-Tiering",
            Overwrite=replaces is not None,
            Description=_description(document, force),
        )["Version"]
    except ClientError as error:
        if error.response["Error"]["Code"] == "ParameterAlreadyExists":
            raise CommandError(
                f"{name} was stored meanwhile. Nothing was changed; look again.", Exit.FINDINGS
            ) from None
        raise
    found = read_stored(session, stack)
    if found is None or found.text != document.stored:
        held = f"holds {found}" if found else "is gone"
        raise CommandError(f"Version {version} was stored, but {name} now {held}. See `ica rules show`.", Exit.FINDINGS)
    if replaces and found.version != replaces.version + 1:
        raise CommandError(
            f"Stored as {found}, but version {found.version - 1} came between. See `ica rules show --version`.",
            Exit.FINDINGS,
        )
    return found


def _description(document: Document, force: str | None) -> str:
    """Kept with the version in the parameter's history."""
    digest = f"Alert rules, digest {document.rules.digest}"
    return digest if force is None else f"{digest}; stored by force: {wording.clean(force)}"[:_LONGEST_DESCRIPTION]
