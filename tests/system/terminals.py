"""A real terminal for the TUI: a private tmux server, typed into and read as text."""

import os
import shlex
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from tests.system.programs import ROOT

CONFIGURATION = """
set -g default-terminal tmux-256color
set -g escape-time 0
set -g extended-keys on
set -g status off
"""


class Tmux:
    """One tmux server with one window at a time, ended with the test."""

    def __init__(self) -> None:
        # Not pytest's folder: a socket's path has at most 107 bytes.
        self._folder = Path(tempfile.mkdtemp(prefix="p2p-tmux-"))
        self._exit_code = self._folder / "exit-code"
        (self._folder / "config").write_text(CONFIGURATION, encoding="utf-8")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._tmux("kill-server", check=False)
        shutil.rmtree(self._folder, ignore_errors=True)

    def _tmux(self, *arguments: str, check: bool = True) -> str:
        return subprocess.run(
            [
                *("tmux", "-u", "-S", self._folder / "socket"),
                *("-f", self._folder / "config"),
                *arguments,
            ],
            env={**os.environ, "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"},
            cwd=ROOT,
            check=check,
            capture_output=True,
            encoding="utf-8",
            timeout=20,
        ).stdout

    def start(
        self,
        *command: str | Path,
        width: int = 80,
        height: int = 24,
        env: Mapping[str, str] | None = None,
        hears_hangup: bool = True,
    ) -> None:
        """Run a command in a terminal of this size; its last screen stays readable.

        Without `hears_hangup` the first process of the terminal waits for the command
        when the terminal goes away, as `make` does; so the kernel tells the command
        nothing.
        """
        variables = [f"{name}={value}" for name, value in (env or {}).items()]
        line = shlex.join(["env", *variables, *(str(part) for part in command)])
        # The size is asked of the terminal, not of the environment. The shell stays
        # behind the command to keep its last screen and its exit code; Ctrl-C is for
        # the command alone.
        script = (
            f"trap : INT QUIT{'' if hears_hangup else ' HUP'}; "
            "unset COLUMNS LINES; export COLORTERM=truecolor; "
            f"{line}; echo $? > {self._exit_code}; exec sleep 86400"
        )
        size = ("-x", str(width), "-y", str(height))
        self._tmux("new-session", "-d", "-s", "main", *size, script)

    def type(self, text: str) -> None:
        """Type text as it stands."""
        self._tmux("send-keys", "-t", "main", "-l", text)

    def press(self, *keys: str) -> None:
        """Press keys by tmux's names: Enter, Escape, Tab, F11, C-], Up."""
        self._tmux("send-keys", "-t", "main", *keys)

    def resize(self, width: int, height: int) -> None:
        """Change the terminal's size."""
        self._tmux("resize-window", "-t", "main", "-x", str(width), "-y", str(height))

    def text(self, *, colours: bool = False) -> str:
        """What the terminal shows; with `colours`, escape sequences are kept."""
        return self._tmux("capture-pane", "-t", "main", "-p", *(["-e"] * colours))

    def wait_for(self, text: str, timeout: float = 20.0) -> str:
        """Wait until the terminal shows `text` and return the whole screen."""
        deadline = time.monotonic() + timeout
        while True:
            screen = self.text()
            if text in screen:
                return screen
            if time.monotonic() > deadline:
                raise AssertionError(f"{text!r} not shown in {timeout} s:\n{screen}")
            time.sleep(0.05)

    def command_pid(self) -> int:
        """Process of the command."""
        shell = int(self._tmux("display-message", "-p", "-t", "main", "#{pane_pid}"))
        children = Path(f"/proc/{shell}/task/{shell}/children").read_text("ascii")
        return int(children.split()[0])

    def kill(self, number: signal.Signals) -> None:
        """Send a signal to the command alone."""
        os.kill(self.command_pid(), number)

    def close(self) -> None:
        """Take the terminal away, as when its window is closed."""
        self._tmux("kill-server", check=False)

    def exit_code(self) -> int | None:
        """Exit code of the command, or None while it runs."""
        try:
            return int(self._exit_code.read_text(encoding="ascii"))
        except (FileNotFoundError, ValueError):
            return None

    def wait_for_exit(self, timeout: float = 20.0) -> int:
        """Wait for the command's end and return its exit code."""
        deadline = time.monotonic() + timeout
        while (code := self.exit_code()) is None:
            if time.monotonic() > deadline:
                raise AssertionError(f"still running:\n{self.text()}")
            time.sleep(0.05)
        return code
