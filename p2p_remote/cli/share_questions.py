"""The words of the first question in plain lines: what each answer would give."""

from collections.abc import Iterator

from p2p_remote.services import events as se
from p2p_remote.services.wishes import WISHES


def question(request: se.Request) -> Iterator[str]:
    """Say who this may be, and what to type, in lines of a small terminal."""
    if request.verified == "password":
        yield "They know your session password."
    elif request.verified:
        yield f"You know this machine ({request.verified})."
    else:
        yield "First contact: anybody can choose any name."
        yield "Did YOU call them? Banks, police and Microsoft never ask"
        yield "for this. If somebody called you: type no and hang up."
    if WISHES[request.mode].is_for_files:
        yield "They would see nothing of this screen, and you are asked about"
        yield "the file itself before it moves."
    yield from _known(request) if request.verified else _unknown(request)


def _known(request: se.Request) -> Iterator[str]:
    if request.mode == "support":
        yield "Type yes to let them see and control, look, or no."
    elif request.mode == "view":
        yield "Type yes to let them look, or no."
    else:
        yield "Type yes to go on to the file, or no."


def _unknown(request: se.Request) -> Iterator[str]:
    if request.mode == "support":
        yield "To let them see and control: type the six digits that they"
        yield "read to you. To let them only look: type look and the digits,"
        yield "or look alone. Else: no."
        yield "Without the digits they can only look, in this whole session."
    elif request.mode == "view":
        yield "To let them look, and no more: type look, or the six digits that"
        yield "they read to you. Else: no."
        yield "Only with the digits you can allow more later in this session."
    else:
        yield "To go on to the file: type the six digits that they read to"
        yield "you. Else: no."


def answers(request: se.Request) -> str:
    """Name the answers there are, in one line."""
    if request.verified:
        is_support = request.mode == "support"
        return "Type yes, look or no." if is_support else "Type yes or no."
    if WISHES[request.mode].is_for_files:
        return "Type the six digits that they read to you, or 'no'."
    return "Type the six digits that they read to you, or 'look', or 'no'."
