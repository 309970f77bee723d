"""Real processes under test: started, listened to, and always ended."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

P2P_REMOTE = (sys.executable, "-m", "p2p_remote")
RENDEZVOUS = (sys.executable, "-m", "rendezvous")
ROOT = Path(__file__).parent.parent.parent


class Program:
    """A running process whose output is collected line by line.

    `event` and `line` look only at what came after the last one they returned, so a
    test reads a conversation in order. A failure shows all that the process said.
    """

    def __init__(
        self,
        arguments: Sequence[str | Path],
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> None:
        self.arguments = [str(argument) for argument in arguments]
        self._process = subprocess.Popen(
            self.arguments,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
            bufsize=1,
            cwd=cwd or ROOT,
            env={**os.environ, "PYTHONUNBUFFERED": "1", **(env or {})},
            start_new_session=True,
        )
        self.pid = self._process.pid
        self.output: list[str] = []
        self.errors: list[str] = []
        self._read = 0
        self._news = threading.Condition()
        self._readers = [
            threading.Thread(target=self._collect, args=pair, daemon=True)
            for pair in (
                (self._process.stdout, self.output),
                (self._process.stderr, self.errors),
            )
        ]
        for reader in self._readers:
            reader.start()

    def _collect(self, stream: Any, lines: list[str]) -> None:
        for line in stream:
            with self._news:
                lines.append(line.rstrip("\n"))
                self._news.notify_all()
        with self._news:
            self._news.notify_all()

    @property
    def returncode(self) -> int | None:
        """Exit code, or None while the process runs."""
        return self._process.poll()

    def line(self, text: str, timeout: float = 20.0) -> str:
        """Wait for the next line of output that contains `text`."""
        return self._next(lambda line: text in line, f"a line with {text!r}", timeout)

    def event(self, name: str, timeout: float = 20.0, **fields: Any) -> dict[str, Any]:
        """Wait for the next JSON line whose "event" is `name`, with these fields."""

        def matches(line: str) -> bool:
            found = _json_object(line)
            return found.get("event") == name and fields.items() <= found.items()

        return _json_object(self._next(matches, f"event {name} {fields}", timeout))

    def _next(self, matches: Any, what: str, timeout: float) -> str:
        deadline = time.monotonic() + timeout
        with self._news:
            while True:
                while self._read < len(self.output):
                    line = self.output[self._read]
                    self._read += 1
                    if matches(line):
                        return line
                ended = not self._readers[0].is_alive()
                remaining = deadline - time.monotonic()
                if ended or remaining <= 0:
                    why = "it ended" if ended else f"nothing for {timeout} s"
                    raise AssertionError(f"no {what}: {why}\n{self.transcript()}")
                self._news.wait(min(remaining, 0.5))

    def say(self, command: Mapping[str, Any] | str) -> None:
        """Write one line to its standard input; a mapping is written as JSON."""
        line = command if isinstance(command, str) else json.dumps(command)
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def finish(self, timeout: float = 20.0) -> int:
        """Close its standard input, wait for its end and return the exit code."""
        self._close_input()
        return self.wait(timeout)

    def wait(self, timeout: float = 20.0) -> int:
        """Wait until it leaves by itself and return the exit code."""
        try:
            code = self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise AssertionError(
                f"still running after {timeout} s\n{self.transcript()}"
            ) from None
        self._join()
        return code

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the process alone."""
        self._process.send_signal(number)

    def stop(self, timeout: float = 5.0) -> None:
        """End the process and what it started, politely first."""
        self._close_input()
        for number in (signal.SIGTERM, signal.SIGKILL):
            if self._process.poll() is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(self.pid, number)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self._process.wait(timeout)
        # Children that outlive it are in the same group, which is ours alone.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        self._join()

    def _close_input(self) -> None:
        if self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()

    def _join(self) -> None:
        for reader in self._readers:
            reader.join(2.0)
        for stream in (self._process.stdout, self._process.stderr):
            if stream is not None and not any(r.is_alive() for r in self._readers):
                stream.close()

    def transcript(self) -> str:
        """All that the process said, for the message of a failed test."""
        return "\n".join(
            [
                f"$ {' '.join(self.arguments)}  (exit code {self.returncode})",
                *(f"  out: {line}" for line in self.output[-80:]),
                *(f"  err: {line}" for line in self.errors[-40:]),
            ]
        )


class Programs:
    """The processes of one test."""

    def __init__(self) -> None:
        self._started: list[Program] = []

    def start(
        self,
        *arguments: str | Path,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> Program:
        """Start a process that ends with the test at the latest."""
        program = Program(arguments, env=env, cwd=cwd)
        self._started.append(program)
        return program

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for program in reversed(self._started):
            program.stop()


def _json_object(line: str) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
