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
NO_MEMORY = "A call failed: there is too little memory here."
