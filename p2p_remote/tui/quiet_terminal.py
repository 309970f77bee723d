"""Keeps log lines off the screen that is drawn on."""

import contextlib
import logging
import sys
from collections.abc import Iterator


@contextlib.contextmanager
def quiet_terminal() -> Iterator[None]:
    """Take the handlers that write to the terminal away while the application runs."""
    root = logging.getLogger()
    silenced = [
        handler
        for handler in root.handlers
        if isinstance(handler, logging.StreamHandler)
        and handler.stream in (sys.stderr, sys.stdout)
    ]
    quiet = logging.NullHandler()
    root.addHandler(quiet)
    for handler in silenced:
        root.removeHandler(handler)
    try:
        yield
    finally:
        root.removeHandler(quiet)
        for handler in silenced:
            root.addHandler(handler)
