"""Ask the terminal what it can do, before Textual takes it over.

One write in raw mode, one bounded wait. The terminal is always put back as it was,
and a terminal that does not answer costs the time limit once.
"""

import os
import select
import sys
import time
from collections.abc import Mapping

from p2p_remote.terminal.capabilities import (
    Answers,
    Capabilities,
    capabilities_of,
    parse_answers,
    questions,
)

TIME_LIMIT = 1.5  # s; kitty needs more than 0.6 s for its first answer while it starts
SETTLE_TIME = 0.02  # s for what still follows the sentinel
MAX_ANSWER = 16384  # bytes; more is not an answer

_SILENT_TERMS = ("", "dumb", "unknown")


def probe_terminal(
    *,
    limit: float = TIME_LIMIT,
    environment: Mapping[str, str] = os.environ,
) -> Capabilities:
    """Capabilities of the terminal this process runs in.

    Never hangs and never raises for what the terminal does: without a terminal, in
    the background or on Windows the environment alone is judged.

    Args:
        limit: Longest wait in seconds; usually the answers are there in a few ms.
        environment: Environment variables.

    """
    answers = Answers()
    columns, rows, pixels = 80, 24, None
    descriptor = _terminal_descriptor()
    if descriptor is not None:
        columns, rows, pixels = window_size(descriptor)
        if environment.get("TERM", "") not in _SILENT_TERMS:
            asked = questions(environment)
            answers = parse_answers(ask_terminal(descriptor, asked, limit))
    return capabilities_of(
        answers, environment, columns=columns, rows=rows, window_pixels=pixels
    )


def window_size(descriptor: int) -> tuple[int, int, tuple[int, int] | None]:
    """Columns, rows, and (width, height) in pixels if known, of a terminal."""
    if sys.platform == "win32":
        size = os.get_terminal_size(descriptor)
        return size.columns, size.lines, None
    import fcntl
    import struct
    import termios

    try:
        raw = fcntl.ioctl(descriptor, termios.TIOCGWINSZ, bytes(8))
    except OSError:
        return 80, 24, None
    rows, columns, width, height = struct.unpack("HHHH", raw)
    pixels = (width, height) if width and height else None
    return columns or 80, rows or 24, pixels


def ask_terminal(descriptor: int, asked: bytes, limit: float) -> bytes:
    """Write the questions and collect what comes until DA1 or the time limit.

    Args:
        descriptor: A terminal open for reading and writing.
        asked: From `questions`.
        limit: Seconds.

    Returns:
        All bytes read, answers or not; empty if the terminal cannot be used.

    """
    if sys.platform == "win32" or not _in_foreground(descriptor):
        return b""
    import termios
    import tty

    try:
        before = termios.tcgetattr(descriptor)
    except termios.error:
        return b""
    try:
        tty.setraw(descriptor, termios.TCSANOW)
        os.write(descriptor, asked)
        return _collect(descriptor, limit)
    except OSError:
        return b""
    finally:
        # TCSAFLUSH would also discard keys; what came late is swallowed by the
        # filter of the input driver.
        termios.tcsetattr(descriptor, termios.TCSANOW, before)


def _collect(descriptor: int, limit: float) -> bytes:
    """Read until the sentinel was answered and the line is quiet, or time is up."""
    received = bytearray()
    deadline = time.monotonic() + limit
    complete = False
    while len(received) < MAX_ANSWER:
        wait = deadline - time.monotonic()
        if complete:
            wait = min(wait, SETTLE_TIME)
        if wait <= 0 or not select.select([descriptor], [], [], wait)[0]:
            break
        chunk = os.read(descriptor, 4096)
        if not chunk:
            break
        received += chunk
        complete = complete or parse_answers(bytes(received)).complete
    return bytes(received)


def _terminal_descriptor() -> int | None:
    """Standard input if it and an output are terminals."""
    try:
        if not os.isatty(0):
            return None
        return 0 if os.isatty(1) or os.isatty(2) else None
    except OSError:
        return None


def _in_foreground(descriptor: int) -> bool:
    """Whether this process may set up the terminal without being stopped."""
    try:
        return os.tcgetpgrp(descriptor) == os.getpgrp()
    except OSError:
        return False
