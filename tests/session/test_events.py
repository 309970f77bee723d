"""How the end of a session is reported."""

import pytest

from p2p_remote.session.events import ended
from p2p_remote.wire import control


@pytest.mark.parametrize("code", [control.REASON_PROTOCOL, -1, 255])
def test_nobody_is_shown_what_broke_the_protocol(code: int) -> None:
    """Neither our own finding nor what the other side says about it."""
    event = ended(code, "the number of a transfer is used twice", by_peer=True)
    assert event.reason == "protocol_error"
    assert event.text == "The connection was not understood, so the session was ended."


def test_other_ends_keep_their_text() -> None:
    """A person's reason is told as it is."""
    event = ended(control.REASON_ENDED, "The customer left.", by_peer=False)
    assert (event.reason, event.text) == ("ended", "The customer left.")
