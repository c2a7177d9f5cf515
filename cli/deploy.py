"""`make deploy`: asks what the stack's parameters should be, builds, deploys, and shows how secrets are stored.

The offered values come from the stack itself, Python and processor included. So Enter at every question changes
nothing, on any machine. No file is written.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from cli.errors import CommandError, Exit, told_in_a_sentence
from cli.machine import installed
from cli.questions import agreed, ask_all, say
from cli.stack import OURS, Stack, find_stack, require_stack, session_in
from cli.template_parameters import Parameter, read_parameters

ROOT = Path(__file__).parents[1]
SECRETS = ("api-key", "slack-webhook-url")
WEBHOOK_SECRET = "webhook-secret"  # noqa: S105 - the entry's name
_STACK_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,127}")


@dataclass(frozen=True)
class Wish:
    """What the command line says. `given` are parameters by name; they win over what the stack has."""

    stack: str
    region: str | None
    given: Mapping[str, str]
    guided: bool


def deploy(wish: Wish, answers: TextIO) -> None:
    """Deploy, or raise `CommandError` before anything was changed."""
    session = session_in(wish.region)
    parameters = read_parameters(ROOT / "template.yaml")
    deployed = _deployable(find_stack(session, wish.stack), session.region_name)
    where = f"{wish.stack} in {session.region_name}"
    say(f"▸ {where}: {'a new stack' if deployed is None else 'deployed before; its own values are offered'}.")
    values = _offered(parameters, deployed) | dict(wish.given)
    if unknown := wish.given.keys() - {each.name for each in parameters}:
        raise CommandError(f"The template has no parameter {', '.join(sorted(unknown))}.")
    if wish.guided:
        values = ask_all(parameters, values, answers)
    _require_valid(parameters, values)
    _require_python(values["PythonRuntime"], deployed)
    _show_changes(values, deployed)
    if wish.guided and not agreed(f"Deploy {where}?", answers):
        say("Nothing was deployed.")
        return
    _sam("build", "--cached", "--parallel", overrides=values)
    _sam(
        *("deploy", "--stack-name", wish.stack, "--region", str(session.region_name)),
        *("--resolve-s3", "--capabilities", "CAPABILITY_IAM"),
        *("--tags", f"application=identitycall-alerts stage={values['Stage']}"),
        *("--no-confirm-changeset", "--no-fail-on-empty-changeset"),
        overrides=values,
    )
    _show_next(session, require_stack(session, wish.stack))


# ── Offered values ──────────────────────────────────────────────────────────────────────────────────────────────


def _deployable(stack: Stack | None, region: str | None) -> Stack | None:
    """The stack if it can be updated, None if it can be made. Raises `CommandError` otherwise."""
    if stack is None or stack.status == "REVIEW_IN_PROGRESS":
        return None  # The second is a change set that was never carried out.
    if stack.status.endswith("_IN_PROGRESS"):
        raise CommandError(f"{stack.name} is being changed just now ({stack.status}). Try again when that is over.")
    if stack.status in {"ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED"}:
        undeleted = stack.status == "DELETE_FAILED"
        rest = "could not be deleted" if undeleted else "is the rest of a first deployment that failed"
        raise CommandError(
            f"{stack.name} in {region} {rest} ({stack.status}). Delete it, then deploy again: "
            f"aws cloudformation delete-stack --region {region} --stack-name {stack.name}"
        )
    if not stack.outputs.keys() >= OURS:
        raise CommandError(f"{stack.name} is another application's stack. STACK=… names another.")
    return stack


def _offered(parameters: Sequence[Parameter], deployed: Stack | None) -> dict[str, str]:
    """The stack's own values, and the template's defaults for parameters that it lacks."""
    offered = {each.name: each.default for each in parameters}
    if deployed is None:
        return offered | {"PythonRuntime": _python_for_a_new_stack(parameters)}
    if "WebhookUrl" in deployed.outputs:
        offered["Webhook"] = "on"  # A stack from before this parameter had a URL: its senders rely on it.
    return offered | {name: value for name, value in deployed.parameters.items() if name in offered}


def _python_for_a_new_stack(parameters: Sequence[Parameter]) -> str:
    """The template's default if this machine has it, else the newest that it has."""
    runtime = next(each for each in parameters if each.name == "PythonRuntime")
    if installed([runtime.default]):
        return runtime.default
    others = sorted(installed(runtime.allowed), key=lambda name: int(name.rpartition(".")[2]))
    if not others:
        return runtime.default  # It is refused later, with what to do.
    say(f"  {runtime.default}, the usual one, is not on this machine; {others[-1]} is, so it is offered.")
    return others[-1]


# ── Checks before anything is changed ────────────────────────────────────────────────────────────────────────────


def _require_valid(parameters: Sequence[Parameter], values: Mapping[str, str]) -> None:
    faults = [f"{each.name} {fault}" for each in parameters if (fault := each.fault(values[each.name]))]
    retention_days, lookback_hours = values["OutcomeRetentionDays"], values["DiscoveryLookbackHours"]
    if not faults and int(retention_days) * 24 < int(lookback_hours):
        # CloudFormation cannot compare two numbers. Discovery would refuse to run.
        faults.append(
            f"OutcomeRetentionDays ({retention_days} days) must not be shorter than DiscoveryLookbackHours "
            f"({lookback_hours} hours): recordings whose outcome has expired would alert again."
        )
    if faults:
        raise CommandError("\n".join(faults))


def _require_python(runtime: str, deployed: Stack | None) -> None:
    if installed([runtime]):
        return
    running = deployed is not None and deployed.parameters.get("PythonRuntime") == runtime
    whose = f"{deployed.name} runs {runtime}" if deployed and running else f"{runtime} is asked for"
    raise CommandError(
        f"{whose}, but {runtime} is not on this machine, and sam build needs it: install it, or choose one that is "
        "here with RUNTIME=…"
    )


def _show_changes(values: Mapping[str, str], deployed: Stack | None) -> None:
    before = deployed.parameters if deployed else {}
    changed = [name for name, value in values.items() if before.get(name) != value]
    if deployed and not changed:
        say("\n▸ No parameter changes.")
    for name in changed:
        say(
            f"  {name}: {before[name] or 'empty'} → {values[name] or 'empty'}"
            if name in before
            else f"  {name}: {values[name] or 'empty'}"
        )


# ── Build, deploy, next steps ───────────────────────────────────────────────────────────────────────────


def _sam(*arguments: str, overrides: Mapping[str, str]) -> None:
    pairs = [f'{name}="{value}"' for name, value in overrides.items()]  # SAM splits values at spaces
    done = subprocess.run(
        ["sam", *arguments, "--parameter-overrides", *pairs], cwd=ROOT, stdin=subprocess.DEVNULL, check=False
    )
    if done.returncode:
        raise CommandError(f"sam {arguments[0]} failed; its own lines above say why.", Exit.UNREACHABLE)


def _show_next(session: boto3.Session, stack: Stack) -> None:
    """Whom alerts reach, and a command for each secret that is not stored yet."""
    for output in ("Notifications", "Alarms"):
        say(f"\n{stack.outputs.get(output, '')}")
    wanted = [*SECRETS, *([WEBHOOK_SECRET] if "WebhookUrl" in stack.outputs else [])]
    missing = _not_stored(session, stack.name, wanted)
    if missing:
        say("\nStore each secret with one command. It reads what you paste, so that no shell history keeps it:")
    for entry in missing:
        put = (
            f"aws ssm put-parameter --region {session.region_name} --type SecureString --overwrite "
            f'--name /{stack.name}/{entry} --value "$SECRET"; unset SECRET'
        )
        made = f'SECRET="whsec_$(openssl rand -base64 32)" && echo "$SECRET" && {put}'
        say(f"\n  {made if entry == WEBHOOK_SECRET else f'read -rs SECRET && {put}'}")
    say(
        f"\nThen try it: make send STACK={stack.name} REGION={session.region_name} "
        "RECORDING=<the id of an analysed recording>"
    )


def _not_stored(session: boto3.Session, stack: str, entries: Sequence[str]) -> list[str]:
    """The entries that are missing; all of them where this role may not look."""
    names = {f"/{stack}/{entry}": entry for entry in entries}
    try:
        answer = session.client("ssm").get_parameters(Names=list(names))
    except (BotoCoreError, ClientError) as error:
        say(f"\nWhich secrets are stored cannot be seen ({type(error).__name__}), so all are listed.")
        return list(entries)
    return [names[name] for name in answer["InvalidParameters"]]


# ── The command line, as the Makefile calls it ───────────────────────────────────────────────────────────────────


def _wish(arguments: Sequence[str]) -> Wish:
    parser = argparse.ArgumentParser(prog="make deploy", description=__doc__)
    parser.add_argument("--stack", required=True)
    parser.add_argument("--region")
    parser.add_argument("--unattended", action="store_true", help="ask nothing")
    parser.add_argument("--set", default="", help="parameters as one text")
    parser.add_argument("given", nargs="*", metavar="NAME=VALUE", help="parameters to set")
    read = parser.parse_args(arguments)
    if not _STACK_NAME.fullmatch(read.stack):
        raise CommandError(f"{read.stack} is no name for a stack: letters, digits and hyphens, a letter first.")
    pairs = [pair.partition("=") for pair in [*read.given, *_split(read.set)]]
    if wrong := [name for name, equals, _ in pairs if not equals]:
        raise CommandError(f"{wrong[0]} is not of the form NAME=VALUE.")
    return Wish(read.stack, read.region or None, {name: value for name, _, value in pairs}, not read.unattended)


def _split(text: str) -> list[str]:
    """Each `NAME=VALUE`. A value may hold blanks, as `rate(10 minutes)` does: it ends where the next name begins."""
    return [pair.strip() for pair in re.split(r"(?:^|\s+)(?=[A-Z][A-Za-z]*=)", text) if pair.strip()]


if __name__ == "__main__":
    with told_in_a_sentence():
        deploy(_wish(sys.argv[1:]), sys.stdin)
