"""What every test can count on: a private home, no display, repeatable examples."""

import gc
import itertools
import os

import pytest
from hypothesis import HealthCheck, settings

# No deadline: machines that run tests are busy, and a slow example is no wrong one.
settings.register_profile("dev", deadline=None)
settings.register_profile(
    "ci",
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("long", deadline=None, max_examples=20_000)
settings.load_profile(
    os.environ.get("HYPOTHESIS_PROFILE", "ci" if os.environ.get("CI") else "dev")
)

_HOMES = itertools.count()


def pytest_collection_finish() -> None:
    """Look for garbage less often, and not among what the tests themselves are.

    Thousands of tests are a heap that takes the collector a large part of the time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


@pytest.fixture(autouse=True)
def private_environment(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Keep the developer's home, settings and screen out of the tests."""
    home = tmp_path_factory.getbasetemp() / f"home-{next(_HOMES)}"
    home.mkdir()
    for name in list(os.environ):
        if name.startswith("P2P_REMOTE_"):
            monkeypatch.delenv(name)
    for name in ("DISPLAY", "XAUTHORITY", "WAYLAND_DISPLAY", "TMUX", "SSH_CONNECTION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(home))
    for name, folder in {
        "XDG_CONFIG_HOME": ".config",
        "XDG_DATA_HOME": ".local/share",
        "XDG_STATE_HOME": ".local/state",
        "XDG_CACHE_HOME": ".cache",
        "XDG_DOWNLOAD_DIR": "Downloads",
        "XDG_RUNTIME_DIR": ".run",
    }.items():
        monkeypatch.setenv(name, str(home / folder))
