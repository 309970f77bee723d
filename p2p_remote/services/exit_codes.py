"""What the end of a session means: for the exit code, and in words."""

from p2p_remote.session.events import SessionEnded

EXIT_CODES = {
    "ended": 0,
    "expired": 0,
    "denied": 4,
    "timed_out": 4,
    "busy": 4,
    "wrong_digits": 5,
    "wrong_password": 5,
    "wrong_identity": 5,
    "missing_capability": 7,
    "protocol_error": 8,
    "connection_lost": 8,
}
"""Exit code by the name of the reason (`wire.control.REASONS`)."""


def told(event: SessionEnded) -> str:
    """Words for the end of a session, as its own side tells it."""
    return end_text(event.reason, event.text, by_peer=event.by_peer)


def end_text(reason: str, text: str, *, by_peer: bool) -> str:
    """Tell whoever ended a session that they did; `text` was meant for the other side.

    Other ends are told as `text` says.
    """
    return text if by_peer or reason != "ended" else "You ended it."
