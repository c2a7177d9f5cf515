"""`make deploy` against the emulator: what is offered comes from the stack, so Enter everywhere changes nothing."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from local.emulator import Emulator, Interpreter
from local.places import ROOT, STATE

ENTER_EVERYWHERE = "\n" * 40  # more than there are questions
MACHINE = {"PythonRuntime": Interpreter.of_emulator().runtime, "Architecture": Interpreter.of_emulator().architecture}


@dataclass(frozen=True)
class Account:
    """An empty AWS account, and `make deploy` as an operator types it."""

    emulator: Emulator

    def deploy(self, stack: str, *arguments: str, answers: str = "") -> subprocess.CompletedProcess[str]:
        path = os.pathsep.join(
            [*(str(ROOT / folder / "bin") for folder in (".venv", ".tools/sam")), os.environ["PATH"]]
        )
        return subprocess.run(
            [".tools/operator/bin/python", "-m", "cli.deploy", "--stack", stack, *arguments],
            cwd=ROOT,
            env={**os.environ, **self.emulator.environment(), "PATH": path, "SAM_CLI_POLL_DELAY": "0.2"},
            input=answers,
            capture_output=True,
            text=True,
            check=False,
        )

    def stack(self, name: str) -> Any:
        return self.emulator.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]

    def parameters(self, stack: str) -> dict[str, str]:
        return {each["ParameterKey"]: each["ParameterValue"] for each in self.stack(stack)["Parameters"]}


@pytest.fixture(scope="module")
def account() -> Iterator[Account]:
    emulator = Emulator(STATE / "deploy")
    emulator.start()
    try:
        emulator.wait()
        yield Account(emulator)
    finally:
        emulator.stop()


@pytest.fixture(scope="module")
def team(account: Account) -> str:
    """A stack deployed with an address of its own. The answers end there, which keeps all else as offered."""
    before = (ROOT / "samconfig.toml").read_bytes()
    given = [f"{name}={value}" for name, value in MACHINE.items()]
    answers = "\n" * 5 + "not an address\nteam@example.com\n"
    done = account.deploy("team", *given, answers=answers)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "AlertEmail must be an e-mail address, or empty for none." in done.stdout
    assert (ROOT / "samconfig.toml").read_bytes() == before
    return "team"


def test_the_answers_and_the_defaults_are_deployed(account: Account, team: str) -> None:
    found = account.parameters(team)
    assert (found["AlertEmail"], found["MaxPauseMs"], found["Webhook"]) == ("team@example.com", "5000", "off")
    assert MACHINE.items() <= found.items()


def test_enter_everywhere_changes_nothing_and_shows_the_secret_that_is_missing(account: Account, team: str) -> None:
    ssm = account.emulator.client("ssm")
    ssm.put_parameter(Name=f"/{team}/api-key", Value="idc_…", Type="SecureString", Overwrite=True)
    before = account.stack(team)
    done = account.deploy(team, answers=ENTER_EVERYWHERE)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "▸ No parameter changes." in done.stdout
    assert "AlertEmail [team@example.com]" in done.stdout
    assert account.stack(team) == before
    put = "aws ssm put-parameter --region eu-central-1 --type SecureString --overwrite --name"
    assert f"{put} /team/slack-webhook-url" in done.stdout
    assert f"{put} /team/api-key" not in done.stdout


def test_another_stack_is_not_offered_the_first_one_s_address(account: Account, team: str) -> None:
    given = [f"{name}={value}" for name, value in MACHINE.items()]
    done = account.deploy("another-team", *given, answers="\n" * 15 + "n\n")
    assert "AlertEmail []:" in done.stdout
    assert "team@example.com" not in done.stdout
    assert done.stdout.endswith("Nothing was deployed.\n")
    assert done.returncode == 0


def test_an_unattended_deployment_changes_only_the_given_parameters(account: Account, team: str) -> None:
    before = account.parameters(team)
    done = account.deploy(team, "--unattended", "--set", "MaxPauseMs=4000 DiscoverySchedule=rate(10 minutes)")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "[5000]" not in done.stdout
    assert "  MaxPauseMs: 5000 → 4000" in done.stdout
    assert account.parameters(team) == before | {"MaxPauseMs": "4000", "DiscoverySchedule": "rate(10 minutes)"}


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["MaxPauseMs=0"], "MaxPauseMs must be between 1 and 3600000 milliseconds (an hour)"),
        (
            ["OutcomeRetentionDays=2", "DiscoveryLookbackHours=72"],
            (
                "OutcomeRetentionDays (2 days) must not be shorter than DiscoveryLookbackHours (72 hours): "
                "recordings whose outcome has expired would alert again."
            ),
        ),
        (["Alert=x"], "The template has no parameter Alert."),
        (["AlertEmail"], "AlertEmail is not of the form NAME=VALUE."),
        (["--stack", "team_a"], "team_a is no name for a stack: letters, digits and hyphens, a letter first."),
    ],
)
def test_an_invalid_argument_changes_nothing(account: Account, team: str, arguments: list[str], sentence: str) -> None:
    before = account.stack(team)
    done = account.deploy(team, "--unattended", *arguments)
    assert (done.returncode, done.stderr) == (2, sentence + "\n")
    assert account.stack(team) == before


def test_a_python_that_is_not_here_stops_it_with_a_sentence(
    account: Account, team: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A shim that fails, as version managers leave them, is no Python."""
    shim = tmp_path / "python3.14"
    shim.write_text("#!/bin/sh\nexit 1\n")
    shim.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    done = account.deploy(team, "--unattended", "PythonRuntime=python3.14")
    assert done.returncode == 2
    assert done.stderr.startswith("python3.14 is asked for, but python3.14 is not on this machine, and sam build")


def test_another_application_s_stack_is_left_alone(account: Account) -> None:
    topic = json.dumps({"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}})
    account.emulator.client("cloudformation").create_stack(StackName="foreign", TemplateBody=topic)
    done = account.deploy("foreign", "--unattended")
    assert (done.returncode, done.stderr) == (2, "foreign is another application's stack. STACK=… names another.\n")


def test_an_account_that_cannot_be_reached_is_said_so(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    nowhere = Emulator(STATE / "deploy", port=1)
    done = Account(nowhere).deploy("team", "--unattended")
    assert done.returncode == 3
    assert done.stderr.startswith("AWS cannot be reached: ")
    assert "Traceback" not in done.stderr
