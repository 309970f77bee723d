"""Nothing but the application writes on its screen."""

import logging
import sys

import pytest

from p2p_remote.tui.quiet_terminal import quiet_terminal


def test_log_lines_stay_off_the_screen(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the application runs; afterwards everything is as it was."""
    root, log = logging.getLogger(), logging.getLogger("p2p_remote.test")
    handler = logging.StreamHandler(sys.stderr)
    monkeypatch.setattr(root, "handlers", [handler])
    with quiet_terminal():
        log.warning("in between")
    assert root.handlers == [handler]
    log.warning("afterwards")
    assert capsys.readouterr().err == "afterwards\n"
