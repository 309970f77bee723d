"""Who is who in a session, and the states a session goes through."""

from enum import Enum

DIGIT_TRIES = 3  # an attacker in the middle hits 1 in a million with each


class Role(Enum):
    """Role of this side."""

    CUSTOMER = "customer"
    TECHNICIAN = "technician"


class State(Enum):
    """State of a session, the same on both sides."""

    WAITING_FOR_APPROVAL = "waiting_for_approval"
    ACTIVE = "active"
    ENDED = "ended"


class Trigger(Enum):
    """What moves a session from one state to another."""

    APPROVED = "approved"
    DENIED = "denied"
    END = "end"
    CONNECTION_LOST = "connection_lost"


TRANSITIONS: dict[tuple[State, Trigger], State] = {
    (State.WAITING_FOR_APPROVAL, Trigger.APPROVED): State.ACTIVE,
    (State.WAITING_FOR_APPROVAL, Trigger.DENIED): State.ENDED,
    (State.WAITING_FOR_APPROVAL, Trigger.END): State.ENDED,
    (State.WAITING_FOR_APPROVAL, Trigger.CONNECTION_LOST): State.ENDED,
    (State.ACTIVE, Trigger.END): State.ENDED,
    (State.ACTIVE, Trigger.CONNECTION_LOST): State.ENDED,
}
"""Every move there is; anything else breaks the protocol."""
