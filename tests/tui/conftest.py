"""What every test of the application can count on."""

import pytest

from p2p_remote.tui.screens.prompt import PromptScreen


@pytest.fixture(autouse=True)
def no_guard(monkeypatch: pytest.MonkeyPatch) -> None:
    """A yes is taken as soon as the prompt is shown; one test asks for the guard."""
    monkeypatch.setattr(PromptScreen, "GUARD_SECONDS", 0.001)
