"""X servers that belong to one test: Xvfb, and Xtigervnc where a VNC peer is needed."""

import os
import select
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

START_TIMEOUT = 20.0  # s; a loaded machine needs a second or two


@dataclass(frozen=True)
class Display:
    """A running X server."""

    name: str
    width: int
    height: int
    vnc_port: int | None = None

    @property
    def env(self) -> Mapping[str, str]:
        """Environment that lets a program use this display."""
        return {"DISPLAY": self.name}

    def run(self, *arguments: str, timeout: float = 20.0) -> str:
        """Run a command on the display and return its output."""
        return subprocess.run(
            arguments,
            env={**os.environ, **self.env},
            check=True,
            capture_output=True,
            text=True,
            timeout=timeout,
        ).stdout


@contextmanager
def running_display(
    server: str = "Xvfb", width: int = 1280, height: int = 800
) -> Iterator[Display]:
    """Start an X server on a number that it picks itself.

    A fixed number could reach another server: abstract sockets are shared by all that
    runs in one network namespace.
    """
    vnc_port = None
    options = ["-screen", "0", f"{width}x{height}x24"]
    if server == "Xtigervnc":
        vnc_port = free_port()
        options = [
            *("-geometry", f"{width}x{height}", "-depth", "24"),
            *("-SecurityTypes", "None", "-localhost", "-rfbport", str(vnc_port)),
        ]
    reader, writer = os.pipe()
    try:
        process = subprocess.Popen(
            [
                server,
                "-displayfd",
                str(writer),
                *options,
                "-nolisten",
                "tcp",
                "-noreset",
            ],
            pass_fds=[writer],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    finally:
        os.close(writer)
    try:
        yield Display(f":{_read_number(reader, server)}", width, height, vnc_port)
    finally:
        os.close(reader)
        process.terminate()
        try:
            process.wait(5.0)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def free_port() -> int:
    """A TCP port of the loopback interface that nobody uses at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _read_number(reader: int, server: str) -> int:
    text = b""
    while not text.endswith(b"\n"):
        ready, _, _ = select.select([reader], [], [], START_TIMEOUT)
        chunk = os.read(reader, 16) if ready else b""
        if not chunk:
            raise AssertionError(f"{server} did not start")
        text += chunk
    return int(text)
