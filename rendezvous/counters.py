"""What the server counts about itself: numbers only, never who.

Counting must cost nothing where a datagram is answered, so these are plain integers in
lists; `rendezvous.metrics` gives them names.
"""

from enum import IntEnum

_FIRST_BYTES = 256


class Drop(IntEnum):
    """Why a datagram had no effect, or only a hint as its answer."""

    MALFORMED = 0
    NOT_FOR_SERVER = 1
    UNKNOWN_REGISTRATION = 2
    OLD_COUNTER = 3
    WRONG_MAC = 4
    WRONG_COOKIE = 5
    WRONG_SERVER = 6
    WRONG_SIGNATURE = 7
    SERVER_FULL = 8
    UNKNOWN_CHANNEL = 9
    NOT_ON_CHANNEL = 10
    RELAY_LIMIT = 11


class Counters:
    """All counters of one server; they only rise."""

    __slots__ = (
        "calls_introduced",
        "calls_refused",
        "dropped",
        "received",
        "registered",
        "relayed_bytes",
        "relayed_datagrams",
    )

    def __init__(self) -> None:
        self.received = [0] * _FIRST_BYTES
        """Datagrams by first byte."""
        self.dropped = [0] * len(Drop)
        """Datagrams without effect, by `Drop`."""
        self.registered = 0
        self.calls_introduced = 0
        self.calls_refused = 0
        self.relayed_datagrams = 0
        self.relayed_bytes = 0
