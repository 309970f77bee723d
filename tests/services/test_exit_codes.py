"""How an end is told."""

from p2p_remote.services.exit_codes import end_text


def test_who_ended_a_session_is_told_so() -> None:
    """The text for the other side is not shown to whoever sent it."""
    text = "The technician ended the session."
    assert end_text("ended", text, by_peer=True) == text
    assert end_text("ended", text, by_peer=False) == "You ended it."
    assert end_text("expired", "Over.", by_peer=False) == "Over."
