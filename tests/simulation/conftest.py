"""Says which seeds a run of the tests plays."""

from tests.simulation.fresh import first_seed


def pytest_report_header() -> str:
    return f"simulator: the fresh seeds of this version of src/ begin at {first_seed()}"
