"""What every test of the application can count on."""

from collections.abc import Mapping

import pytest

from tests.support.simulated_loop import SimulatedLoop, use_time_of_the_loop


def pytest_asyncio_loop_factories() -> Mapping[str, type[SimulatedLoop]]:
    """Every App runs in simulated time."""
    return {"simulated": SimulatedLoop}


@pytest.fixture(autouse=True)
def simulated_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Textual looks at the clock of the loop."""
    use_time_of_the_loop(monkeypatch)
