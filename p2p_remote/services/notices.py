"""What the customer is told of troubles that go by, in words."""

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
    """One line for calls that were not shown; see `events.HeldBack`."""
    came = (
        "Another call came in and was"
        if calls == 1
        else f"{calls} calls came in, and were"
    )
    told = f"They were told to call again in {_spoken(wait)}."
    return f"{came} not shown. {_HELD_BACK.get(why, '')} {told}"


def _spoken(seconds: int) -> str:
    if seconds <= 120:
        return "1 second" if seconds == 1 else f"{seconds} seconds"
    return f"{-(-seconds // 60)} minutes"


def wrong_digits(tries_left: int) -> str:
    """What the technician is told when the customer has typed other digits."""
    left = "1 try is" if tries_left == 1 else f"{tries_left} tries are"
    return f"They typed digits that do not match; {left} left."
