"""What `make deploy` gives to SAM: nothing that was saved is forgotten, and the build fits the deployment."""

import sys
import tomllib

from local.overrides import overrides
from local.places import ROOT

THIS_PYTHON = f"python{sys.version_info.major}.{sys.version_info.minor}"
FRESH = tomllib.loads((ROOT / "samconfig.toml").read_text())
# As `sam deploy --guided` leaves it.
SAVED = tomllib.loads(r"""
[dev.global.parameters]
stack_name = "identitycall-alerts-dev"
parameter_overrides = ["Stage=dev", "MaxPauseMs=4000"]

[dev.deploy.parameters]
parameter_overrides = "Stage=\"dev\" AlertEmail=\"team@example.com\" OperationsEmail=\"\" MaxPauseMs=\"3000\" PythonRuntime=\"python3.9\" Architecture=\"x86_64\""
""")  # noqa: E501 - one line, as SAM writes it


def test_first_deployment_is_built_with_this_python_for_arm() -> None:
    chosen = overrides(FRESH, "dev")
    assert (chosen["Stage"], chosen["PythonRuntime"], chosen["Architecture"]) == ("dev", THIS_PYTHON, "arm64")


def test_a_stage_without_a_section_is_deployed_too() -> None:
    assert overrides(FRESH, "test")["Stage"] == "test"


def test_what_a_guided_deployment_saved_is_given_again() -> None:
    assert overrides(SAVED, "dev") == {
        "Stage": "dev",
        "AlertEmail": "team@example.com",
        "OperationsEmail": "",
        "MaxPauseMs": "3000",
        "PythonRuntime": THIS_PYTHON,
        "Architecture": "x86_64",
    }


def test_another_stages_values_are_not_taken() -> None:
    assert "AlertEmail" not in overrides(SAVED, "prod")


def test_what_is_asked_for_wins() -> None:
    chosen = overrides(SAVED, "dev", "python3.14", "arm64")
    assert (chosen["PythonRuntime"], chosen["Architecture"]) == ("python3.14", "arm64")
