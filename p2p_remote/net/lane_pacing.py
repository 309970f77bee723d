"""How fast a lane may send, so that the session beside it keeps its latency."""

import socket


class LanePacing:
    """Placeholder."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection

    def step(self, now: float) -> None:
        """Step."""
