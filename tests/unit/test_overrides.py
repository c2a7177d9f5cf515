"""What `make deploy` gives to SAM: nothing that was saved is forgotten, and the build fits the deployment."""

import sys

from local.overrides import overrides

THIS_PYTHON = f"python{sys.version_info.major}.{sys.version_info.minor}"
SAVED = 'Stage="dev" AlertEmail="team@example.com" OperationsEmail="" PythonRuntime="python3.9" Architecture="x86_64"'


def test_first_deployment_is_built_with_this_python_for_arm() -> None:
    configuration = {"dev": {"global": {"parameter_overrides": ["Stage=dev"]}}}
    assert overrides(configuration, "dev") == {"Stage": "dev", "PythonRuntime": THIS_PYTHON, "Architecture": "arm64"}


def test_a_stage_without_a_section_is_deployed_too() -> None:
    assert overrides({}, "test")["Stage"] == "test"


def test_what_a_guided_deployment_saved_is_given_again() -> None:
    configuration = {
        "dev": {"global": {"parameter_overrides": ["Stage=dev"]}, "deploy": {"parameter_overrides": SAVED}}
    }
    assert overrides(configuration, "dev") == {
        "Stage": "dev",
        "AlertEmail": "team@example.com",
        "OperationsEmail": "",
        "PythonRuntime": THIS_PYTHON,
        "Architecture": "x86_64",
    }


def test_another_stages_values_are_not_taken() -> None:
    assert "AlertEmail" not in overrides({"dev": {"deploy": {"parameter_overrides": SAVED}}}, "prod")


def test_what_is_asked_for_wins() -> None:
    chosen = overrides({"dev": {"deploy": {"parameter_overrides": SAVED}}}, "dev", "python3.14", "arm64")
    assert (chosen["PythonRuntime"], chosen["Architecture"]) == ("python3.14", "arm64")
