"""`make chaos` is these tests with `--aws-faults`: AWS itself misbehaves as well."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--aws-faults",
        action="store_true",
        help="between functions and emulator: throttling, resets, latency, an outage",
    )
