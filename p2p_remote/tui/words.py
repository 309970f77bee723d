"""Sentences that people read: paths, ends, failures. One place, so they stay kind."""

from collections.abc import Sequence
from dataclasses import dataclass

from p2p_remote.errors import RemoteSupportError
from p2p_remote.services.names import quoted

IN, OUT = "↓", "↑"  # a file that comes, and one that goes
WARN, GOOD, BAD, OFF = "▲", "●", "✖", "○"

PATH_NAMES = {"lan": "LAN", "direct": "direct", "relay": "relayed"}

PATH_SENTENCES = {
    "lan": "They reach you inside your local network.",
    "direct": "They reach you directly.",
    "relay": "They reach you through the server, which cannot read it.",
}

PATH_HELP = {
    "lan": "Both machines are in one local network; no server is involved.",
    "direct": "Packets go straight from machine to machine.",
    "relay": "A server passes sealed packets on; it cannot read them. "
    "This is slower than a direct path.",
}

PERMISSION_WORDS = {
    "view": "see this screen",
    "control": "use mouse and keyboard",
    "clipboard_in": "put text on your clipboard",
    "clipboard_out": "read your clipboard",
    "file_in": "send you files",
    "file_out": "fetch files",
    "terminal": "use a terminal",
    "record": "record the session",
    "unattended": "come back without asking",
    "sys_keys": "press system keys",
    "show": "show you their screen",
}


def permission_words(permission: str) -> str:
    """What a permission lets the technician do."""
    return PERMISSION_WORDS.get(permission, permission.replace("_", " "))


def share(part: int, whole: int) -> str:
    """How much of something there is, in per cent."""
    return f"{100 * part // whole} %" if whole else "100 %"


_ENDS = {
    "expired": "The agreed time was over.",
    "connection_lost": "The connection was lost.",
    "denied": "The customer said no.",
    "timed_out": "The customer did not answer in time.",
    "busy": "The customer is busy with somebody else.",
    "wrong_digits": "The digits did not match three times.",
    "wrong_password": "The session password did not match.",
    "wrong_identity": "The machine that answered does not own this ID.",
    "missing_capability": "Their machine cannot show its screen.",
    "protocol_error": "The session was stopped: something did not follow the rules.",
}

_CUSTOMER_ENDS = {
    "denied": "You said no.",
    "timed_out": "Nobody answered here, so the answer was no.",
    "busy": "Somebody else was already asking.",
    "missing_capability": "This machine cannot show its screen.",
}


def technician_end(reason: str, *, by_peer: bool) -> str:
    """How a session ended, for the technician."""
    if reason == "ended":
        return "The customer ended it." if by_peer else "You ended it."
    return _ENDS.get(reason, "The session is over.")


def customer_end(reason: str, *, by_peer: bool) -> str:
    """How a session or a request ended, for the customer."""
    if reason == "ended":
        return "They ended it." if by_peer else "You ended it."
    return _CUSTOMER_ENDS.get(reason) or _ENDS.get(reason, "The session is over.")


@dataclass(frozen=True, slots=True)
class Failure:
    """Why no session came about, and what to do next."""

    title: str
    text: str
    next_step: str
    exit_code: int


_NEXT_STEPS: dict[int, tuple[str, str]] = {
    2: ("That did not work", "Check the number and try again."),
    3: (
        "Nobody answers under this ID",
        (
            "Is p2p-remote open on their machine, and does it say “ready”? "
            "Let them read the number again."
        ),
    ),
    4: (
        "No session",
        (
            "Ask on the phone whether they want it, and call again. "
            "Without their yes nothing is shown."
        ),
    ),
    5: (
        "This could not be verified",
        (
            "Do not go on by other means. Compare number and digits on the phone "
            "and call again. If it fails again, somebody may be in between."
        ),
    ),
    6: (
        "The network did not answer",
        (
            "Check your connection and the server's address. "
            "'p2p-remote doctor' says what works and what does not."
        ),
    ),
    7: (
        "Their machine cannot do this",
        "Look at the note on their screen: a display or a permission is missing.",
    ),
    8: (
        "The connection broke off",
        "Ask whether p2p-remote is still open there, and call again.",
    ),
}
_OTHER = ("That did not work", "Try again.")


def failure(exit_code: int, text: str) -> Failure:
    """Title and next step for an exit code; `text` says what happened."""
    title, step = _NEXT_STEPS.get(exit_code, _OTHER)
    return Failure(title, text, step, exit_code)


def failure_of(error: RemoteSupportError) -> Failure:
    """Title and next step for an error."""
    return failure(error.exit_code, str(error))


def shared(what: str, names: Sequence[str]) -> str:
    """What of the customer's desktop can be seen; `names` are the other side's."""
    named = ", ".join(quoted(name) for name in names)
    if what == "monitor":
        return f"the monitor {named} only"
    if what == "windows":
        kind = "window" if len(names) == 1 else "windows"
        return f"the {kind} {named} only"
    return "nothing but grey" if what == "nothing" else "everything on your screen"
