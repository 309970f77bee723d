"""Messages that come into the interface from outside."""

from dataclasses import dataclass
from typing import Any

from textual.message import Message

from p2p_remote.services.events import Pointer, ServiceEvent


@dataclass
class TechnicianEvent(Message):
    """Something happened to an outgoing call or session.

    `call` counts the calls of this run: events of a call that was given up may still
    be on their way when the next one has begun.
    """

    event: ServiceEvent
    call: int = 0

    def can_replace(self, message: Message) -> bool:
        """Of pointer positions that wait in a row only the newest counts."""
        return (
            isinstance(message, TechnicianEvent)
            and message.call == self.call
            and isinstance(self.event, Pointer)
            and isinstance(message.event, Pointer)
        )


@dataclass
class CustomerEvent(Message):
    """Something happened on the customer's side (an event of `share --json`)."""

    event: dict[str, Any]


@dataclass
class LanChanged(Message):
    """Other machines were found on the local network, or have left it."""

    peers: list[int]
