"""What the customer is told of troubles that go by, in words."""

from p2p_remote.wire.refusals import spoken_wait

HOTKEY_IS_LOST = "F11 is no longer heard here. Control is off until you start again."
SERVER_SILENT = (
    "The server does not answer; trying again. "
    "'p2p-remote doctor' helps to find out why."
)
ID_TAKEN = (
    "Another machine uses this ID on the server. A new ID has been made: start again "
    "to use it."
)
_HELD_BACK = {
    "told_no": "You said no to them a short while ago.",
    "too_many_calls": "There were too many calls in a short time.",
    "wrong_codes": "Wrong digits were typed too often.",
    "wrong_passwords": "Somebody tries passwords here.",
}
NO_MEMORY = "A call failed: there is too little memory here."


def held_back(calls: int, why: str, wait: int) -> str:
    """One line for calls that were not shown; see `events.HeldBack`.

    `why` and `wait`, s, are those of the last call: they are told of a single one.
    """
    if calls > 1:
        return (
            f"{calls} calls came in and were not shown. The callers have to wait "
            "before they can call again."
        )
    return (
        f"Another call came in and was not shown. {_HELD_BACK.get(why, '')} "
        f"They can call again in {spoken_wait(wait)}."
    )


def wrong_digits(tries_left: int) -> str:
    """What the technician is told when the customer has typed other digits."""
    left = "1 try is" if tries_left == 1 else f"{tries_left} tries are"
    return f"They typed digits that do not match; {left} left."
