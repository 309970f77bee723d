"""What the demo starts."""

from pathlib import Path

import pytest

from p2p_remote import __version__
from p2p_remote.cli import demo
from tests.support.traps import set_traps


def test_nothing_is_imported_from_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever files have come there."""
    traces = set_traps(tmp_path, "struct", "p2p_remote")
    monkeypatch.chdir(tmp_path)
    command = ["-m", "p2p_remote", "--version"]
    with demo._process(command, tmp_path / "log") as process:
        assert process.stdout is not None
        assert process.stdout.read().strip() == __version__
    assert not traces()
